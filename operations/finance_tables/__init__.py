"""What the published tables are and mean; how a version's tables are made, audited and restated."""
