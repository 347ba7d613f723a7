"""What service levels are measured by, and what became of them."""
