"""Write, audit, publish: what finance reads, and what is told of it."""
