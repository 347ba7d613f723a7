"""What people read: the report and the workbook, each made of one published version and of nothing else."""
