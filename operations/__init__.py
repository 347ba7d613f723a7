"""Runs, publishing and recovery: what keeps the warehouse right over time."""
