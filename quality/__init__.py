"""Is it right: contracts, reconciliation with the ledger, disclosure."""
