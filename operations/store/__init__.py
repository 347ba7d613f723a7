"""What a warehouse consists of on disk: locks, versions, durable files."""
