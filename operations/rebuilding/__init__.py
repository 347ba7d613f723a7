"""Which days to rebuild, how dbt builds them, and when they are final."""
