"""Findings of a run that need a person's attention."""
