"""Policies that assets and jobs share, each with its why."""

import dagster as dg

# DuckDB takes one writer a file, and publishing reads all of them: runs take turns.
POOL = "warehouse_write"

# A lock or a full disk may pass; bad data raises a PermanentError, which nobody retries.
RETRY = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.FULL)
