"""Verified copies of a warehouse, and back."""
