"""The register of processing, and the audit of the running warehouse against it."""
