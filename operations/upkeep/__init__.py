"""What keeps a warehouse in order: retention, backups, the register of processing."""
