"""The backlog and its history, what is usual of it, and what brings a region back after an outage."""
