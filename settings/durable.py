"""Files that must survive a kill or a power cut: written beside and renamed, or appended to, and on disk before the
next step."""

from __future__ import annotations

import errno
import json
import os
import re
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from settings.clock import now

_BEGUN = re.compile(r"\..+\.\d{1,10}")  # as :func:`write_durably` calls what it has not renamed yet
_A_FOLDER = "a folder stands where this file belongs; move it away, and `romi doctor` says what lacks then"
_FORGOTTEN_AFTER = timedelta(days=1)


def write_durably(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Replace a file whole: whoever reads it, at whatever moment, finds all of the old one or all of the new one.

    Args:
        mode: of the file, less the process's umask.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    # No other thread of any process has this name, and whatever a killed one left of it is written over.
    fresh = path.with_name(f".{path.name}.{threading.get_native_id()}")
    try:
        descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        replace_durably(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        if error.errno == errno.EISDIR:
            raise IsADirectoryError(errno.EISDIR, _A_FOLDER, str(path)) from error
        raise


def begun_and_forgotten(folder: Path) -> list[Path]:
    """What killed processes began to write in a folder a day ago or earlier, so that nobody goes on with it."""
    limit = (now() - _FORGOTTEN_AFTER).timestamp()
    try:
        named = [one for one in folder.iterdir() if _BEGUN.fullmatch(one.name)]
        return sorted(one for one in named if one.is_file() and one.stat().st_mtime < limit)
    except OSError:  # not there, or gone by now
        return []


def write_json(path: Path, value: Any) -> None:
    """Replace a small JSON file whole, readable by whoever may read the folder."""
    write_durably(path, json.dumps(value, indent=1, default=str), mode=0o666)


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON file that can be made anew: empty where it is missing or damaged."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def replace_durably(fresh: Path, path: Path) -> None:
    """Give a file that is written the place of another one; both its content and its name are on disk afterwards."""
    sync(fresh)
    os.replace(fresh, path)
    sync(path.parent)


def append_durably(path: Path, *lines: str) -> None:
    """Append lines to a book that is its owner's alone, made with its folder where there is none.

    They go in one write. A line that a kill cut short stays as it is, and the next begins on its own.
    """
    if not lines:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        is_cut = end and os.pread(descriptor, 1, end - 1) != b"\n"
        file.write((("\n" if is_cut else "") + "".join(f"{line}\n" for line in lines)).encode())
        file.flush()
        os.fsync(descriptor)


def sync(path: Path) -> None:
    """Have a file, or a folder's entries, on disk before what follows."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
