"""One writer at a time for a warehouse, across processes and threads.

Who holds the warehouse may take it again, as a job does for its steps: what is asked is not which thread that is, but
whose work. A thread that works for the holder says so by running in a copy of the holder's context
(``contextvars.copy_context().run``); every other thread waits like another process. A process that works for the holder
inherits the :func:`descriptor` of the lock, so that the warehouse is held until it has ended, too, whatever becomes of
the holder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from settings import WAREHOUSE_FORMAT, Settings, UsageError, now
from settings.durable import write_json
from settings.formats import check_format

LOCK = ".lock"
_MARKER = "warehouse.json"
_PRIVATE = ("regions", "books", "staging", "status", "dbt", "dagster")
_MINE = {LOCK, *_PRIVATE}  # `make ui` may have been here first
_held: ContextVar[frozenset[Path]] = ContextVar("warehouses held", default=frozenset())
_descriptors: dict[Path, int] = {}  # of the locks that this process has taken

# Called once with a line for people, before a wait begins.
OnWait = Callable[[str], None]


def wait_quietly(_: str) -> None:
    """Tell nobody who is waited for."""


@contextmanager
def exclusive(settings: Settings, on_wait: OnWait = wait_quietly, *, may_migrate: bool = False) -> Iterator[None]:
    """Make the warehouse where there is none and hold it, waiting for whoever holds it now.

    Args:
        may_migrate: hold also one of an earlier format; it is for the migrations.

    Raises:
        UsageError: the folder cannot be written, is something else, or was made by another version.
    """
    path = settings.warehouse.absolute()
    if path in _held.get():  # whoever took it first lets it go
        yield
        return
    lock = _acquired(path, on_wait)
    try:
        _prepare(path, may_migrate=may_migrate)
        _held.set(_held.get() | {path})
        yield
    finally:
        _held.set(_held.get() - {path})
        del _descriptors[path]
        lock.release()


def descriptor(settings: Settings) -> int:
    """Of the lock of a warehouse that this process holds, for a process that is to work for it."""
    return _descriptors[settings.warehouse.absolute()]


@contextmanager
def for_holder(settings: Settings) -> Iterator[None]:
    """The body works for the process that holds the warehouse and gave this one the lock's descriptor."""
    token = _held.set(_held.get() | {settings.warehouse.absolute()})
    try:
        yield
    finally:
        _held.reset(token)


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


def check_warehouse(settings: Settings, *, may_migrate: bool = False) -> None:
    """Refuse a folder that this release cannot work on, or with `may_migrate`, cannot bring forward.

    Raises:
        UsageError: there is no warehouse, or one of another format.
    """
    if not (settings.warehouse / _MARKER).is_file():
        raise UsageError(f"no warehouse at {settings.warehouse}; `romi run --landing DIR` makes one")
    check_format(settings.warehouse, warehouse_format(settings.warehouse), may_migrate=may_migrate)


def warehouse_format(path: Path) -> Any:
    """The format that the warehouse at `path` says it has; None where it does not."""
    try:
        return json.loads((path / _MARKER).read_text()).get("format")
    except (ValueError, OSError, AttributeError):
        return None


def write_format(path: Path, number: int) -> None:
    """Have the warehouse at `path` say that it has this format."""
    write_json(path / _MARKER, {"format": number})


def _acquired(path: Path, on_wait: OnWait) -> FileLock:
    """The warehouse's lock, held, with who holds it written into its file."""
    lock = FileLock(path / LOCK, mode=0o600, thread_local=False, on_acquired=partial(_sign, path))
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


def _sign(path: Path, descriptor: int) -> None:
    _descriptors[path] = descriptor
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


def _prepare(path: Path, *, may_migrate: bool) -> None:
    """Make a new folder a warehouse, or refuse it. What lies in its folders is for its owner alone."""
    try:
        if (path / _MARKER).exists():
            return check_warehouse(Settings(warehouse=path), may_migrate=may_migrate)
        if any(one.name not in _MINE and not one.name.startswith(f".{_MARKER}") for one in path.iterdir()):
            raise UsageError(f"{path} is not a warehouse (it has no {_MARKER}), and not empty either")
        for name in _PRIVATE:
            (path / name).mkdir(mode=0o700, exist_ok=True)
        write_format(path, WAREHOUSE_FORMAT)
    except OSError as error:
        raise UsageError(f"cannot write the warehouse {path}: {error.strerror}") from error
    return None
