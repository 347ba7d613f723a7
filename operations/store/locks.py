"""One writer at a time for a warehouse, across processes; within a process it may be taken again."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from settings import WAREHOUSE_FORMAT, Settings, UsageError

_held: set[Path] = set()
_PRIVATE = ("regions", "books", "staging", "status", "dbt", "dagster")
_MINE = {".lock", *_PRIVATE}  # `make ui` may have been here first


@contextmanager
def exclusive(settings: Settings, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Make the warehouse where there is none and hold it, waiting for whoever holds it now.

    Raises:
        UsageError: the folder cannot be written, is something else, or was made by another version.
    """
    path = settings.warehouse.absolute()
    if path in _held:  # whoever took it first lets it go
        yield
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise UsageError(f"cannot write the warehouse {path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        _prepare(path)
        _held.add(path)
        yield
    finally:
        _held.discard(path)
        os.close(descriptor)


def check_warehouse(settings: Settings) -> None:
    """Refuse a folder that this version cannot work on.

    Raises:
        UsageError: there is no warehouse, or one of another format.
    """
    marker = settings.warehouse / "warehouse.json"
    if not marker.is_file():
        raise UsageError(f"no warehouse at {settings.warehouse}; `romi run --landing DIR` makes one")
    try:
        found = json.loads(marker.read_text()).get("format")
    except (ValueError, OSError, AttributeError):
        found = None
    if found != WAREHOUSE_FORMAT:
        raise UsageError(
            f"the warehouse {settings.warehouse} has format {found}, this version needs {WAREHOUSE_FORMAT}:"
            " start a new one beside it and load the archives again"
        )


def _prepare(path: Path) -> None:
    """Make a new folder a warehouse, or refuse it. What lies in its folders is for its owner alone."""
    marker = path / "warehouse.json"
    try:
        if marker.exists():
            return check_warehouse(Settings(warehouse=path))
        if any(one.name not in _MINE and not one.name.startswith(".warehouse.") for one in path.iterdir()):
            raise UsageError(f"{path} is no warehouse of this version (no warehouse.json), and not empty either")
        for name in _PRIVATE:
            (path / name).mkdir(mode=0o700, exist_ok=True)
        fresh = path / f".warehouse.{os.getpid()}"
        fresh.write_text(json.dumps({"format": WAREHOUSE_FORMAT}))
        os.replace(fresh, marker)
    except OSError as error:
        raise UsageError(f"cannot write the warehouse {path}: {error.strerror}") from error
    return None
