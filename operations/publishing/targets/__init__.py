"""Where a published version goes besides its files."""
