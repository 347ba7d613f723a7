"""What an error of the machine says, in one line that quotes no value of the data."""

from __future__ import annotations

import errno
import os

import duckdb

from settings import RomiError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_TEXTS = ("no space left on device", "disk is full", "disk quota exceeded")


def said(error: BaseException) -> str:
    """A line for people: of the warehouse's own errors their text, of the machine's what failed and where."""
    if isinstance(error, RomiError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        place = error.filename2 or error.filename
        return error.strerror if place is None else f"{error.strerror}: {os.fsdecode(place)}"
    if is_disk_full(error):
        return os.strerror(errno.ENOSPC)
    return f"unexpected {type(error).__name__}"


def is_disk_full(error: BaseException) -> bool:
    """Whether a full disk is behind it: databases tell it in words of their own."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    is_of_a_database = isinstance(error, duckdb.Error) or type(error).__module__.startswith(("sqlite3", "sqlalchemy"))
    return is_of_a_database and any(text in str(error).lower() for text in _FULL_TEXTS)
