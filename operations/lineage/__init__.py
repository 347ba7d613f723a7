"""What runs read and write, told as OpenLineage events: names of tables and counts of rows, nothing of a person."""
