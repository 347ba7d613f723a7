"""What an error of the machine says, in one line that quotes no value of the data."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

import duckdb

from settings import RomiError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_LITTLE = 1 << 20  # bytes free; a database takes more at once
_FULL_TEXTS = ("no space left on device", "disk is full", "disk quota exceeded")


def describe_error(error: BaseException) -> str:
    """A line for people: of the warehouse's own errors their text, of the machine's what failed and where."""
    if isinstance(error, RomiError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        place = error.filename2 or error.filename
        return error.strerror if place is None else f"{error.strerror}: {os.fsdecode(place)}"
    if is_disk_full(error):
        return os.strerror(errno.ENOSPC)
    if isinstance(error, duckdb.IOException):
        return "a database file cannot be read whole, or is gone: `romi doctor` names it, and what mends it"
    return f"unexpected {type(error).__name__}"


def is_disk_full(error: BaseException) -> bool:
    """Whether a full disk is behind it: databases tell it in words of their own."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return _is_of_a_database(error) and any(text in str(error).lower() for text in _FULL_TEXTS)


def disk_trouble(error: BaseException, folder: Path) -> str | None:
    """A line for people where a full disk of `folder` is behind an error: some databases tell of an I/O error only."""
    is_full = is_disk_full(error)
    if not is_full and _is_of_a_database(error):
        with suppress(OSError):
            is_full = shutil.disk_usage(folder).free < _LITTLE
    if not is_full:
        return None
    return f"no space left on the disk of {folder}; what was committed stays, so make room and run it again"


def _is_of_a_database(error: BaseException) -> bool:
    return isinstance(error, duckdb.Error) or type(error).__module__.startswith(("sqlite3", "sqlalchemy"))
