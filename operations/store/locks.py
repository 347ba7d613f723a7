"""One writer at a time for a warehouse, across processes and threads.

Who holds the warehouse may take it again, as a job does for its steps: what is asked is not which thread that is, but
whose work. A thread that works for the holder says so by running in a copy of the holder's context
(``contextvars.copy_context().run``); every other thread waits like another process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from settings import WAREHOUSE_FORMAT, Settings, UsageError, now
from settings.durable import write_json

LOCK = ".lock"
_PRIVATE = ("regions", "books", "staging", "status", "dbt", "dagster")
_MINE = {LOCK, *_PRIVATE}  # `make ui` may have been here first
_held: ContextVar[frozenset[Path]] = ContextVar("warehouses held", default=frozenset())

# Called once with a line for people, before a wait begins.
OnWait = Callable[[str], None]


def wait_quietly(_: str) -> None:
    """Tell nobody who is waited for."""


@contextmanager
def exclusive(settings: Settings, on_wait: OnWait = wait_quietly) -> Iterator[None]:
    """Make the warehouse where there is none and hold it, waiting for whoever holds it now.

    Raises:
        UsageError: the folder cannot be written, is something else, or was made by another version.
    """
    path = settings.warehouse.absolute()
    if path in _held.get():  # whoever took it first lets it go
        yield
        return
    lock = _acquired(path, on_wait)
    try:
        _prepare(path)
        _held.set(_held.get() | {path})
        yield
    finally:
        _held.set(_held.get() - {path})
        lock.release()


def is_held(path: Path) -> bool:
    """Whether somebody holds this lock file. One that is not there is held by nobody, and is not made."""
    try:
        if path.exists():
            with FileLock(path, blocking=False):
                pass
    except Timeout:
        return True
    except OSError:  # not for us to look into
        return False
    return False


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


def _acquired(path: Path, on_wait: OnWait) -> FileLock:
    """The warehouse's lock, held, with who holds it written into its file."""
    lock = FileLock(path / LOCK, mode=0o600, thread_local=False, on_acquired=_sign)
    try:
        path.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            on_wait(f"{_holder(path)} holds the warehouse; waiting for it")
            lock.acquire()
    except OSError as error:
        raise UsageError(f"cannot write the warehouse {path}: {error.strerror}") from error
    return lock


def _sign(descriptor: int) -> None:
    text = json.dumps({"pid": os.getpid(), "since": now().isoformat(timespec="seconds")}).encode()
    with suppress(OSError):  # a full disk takes nothing but the name away
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text, 0)


def _holder(path: Path) -> str:
    """Whoever holds the lock, as far as its file tells: it may just be written."""
    try:
        said = json.loads((path / LOCK).read_text())
        return f"another run (process {int(said['pid'])}, since {datetime.fromisoformat(said['since']):%F %T} UTC)"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run"


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
        write_json(marker, {"format": WAREHOUSE_FORMAT})
    except OSError as error:
        raise UsageError(f"cannot write the warehouse {path}: {error.strerror}") from error
    return None
