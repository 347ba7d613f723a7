"""The one tree of errors that the warehouse raises on purpose, split into what may pass and what will not."""

from __future__ import annotations


class RomiError(Exception):
    """Root of the errors that the warehouse raises on purpose; the message is one line for people."""

    exit_code = 1


class UsageError(RomiError):
    """Wrong usage or configuration: nothing was done, and only a person can mend it."""

    exit_code = 2


class TransientError(RomiError):
    """May pass by itself (a lock, I/O): worth a retry with backoff."""


class PermanentError(RomiError):
    """Will not pass by itself (bad data, a broken rule): nobody retries it."""


class UnknownValueError(UsageError):
    """A value outside a known set; the message lists the values that would have been right."""

    def __init__(self, what: str, value: object, known: list[str]) -> None:
        self.what, self.value, self.known = what, value, sorted(known)
        super().__init__(f"unknown {what} {value!r}; known: {', '.join(self.known)}")
