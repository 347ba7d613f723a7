"""The files that were read, each with what it gave; those that could not be, with what to change."""
