"""What must be there, by region and for the warehouse, written in two places that one loss does not take together.

One stands in the warehouse (``<warehouse>/memory/``), so that it travels in backups; the other beside the keys
(``<keys file>.memory/<digest of the warehouse's path>/``), since one keys file may serve several warehouses. Whichever
was written later counts; one that is damaged or missing is made anew from the other.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from filelock import FileLock
from pydantic import ValidationError

from operations.store.memory.shapes import Loss, Memory, RegionMemory, WarehouseMemory
from privacy.keys import key_file
from settings import RomiError, Settings, TransientError
from settings.durable import write_json

FOLDER = "memory"
WAREHOUSE = "_warehouse"  # no region has such a name
_READ_KEPT = 16


_Kind = TypeVar("_Kind", bound=Memory)


def region_memory(settings: Settings, region: str) -> RegionMemory | None:
    """What the region must have; None where it has never been remembered."""
    return _latest(settings, region, RegionMemory)


def warehouse_memory(settings: Settings) -> WarehouseMemory:
    return _latest(settings, WAREHOUSE, WarehouseMemory) or WarehouseMemory()


def remembered_regions(settings: Settings) -> list[str]:
    """Every region that is remembered in either place."""
    names = {path.stem for place in places(settings) for path in place.glob("*.json")}
    return sorted(name for name in names - {WAREHOUSE} if region_memory(settings, name))


def accepted_losses(settings: Settings) -> list[Loss]:
    """What was ever given up, of the warehouse and of every region, in the order in which it was."""
    memories: list[Memory | None] = [region_memory(settings, region) for region in remembered_regions(settings)]
    losses = [loss for one in [warehouse_memory(settings), *memories] if one for loss in one.losses]
    return sorted(losses, key=lambda loss: loss.accepted_at)


def is_to_be_kept(settings: Settings, region: str) -> bool:
    """Whether what was published of the region stays, though nothing else of it may be there."""
    memory = region_memory(settings, region)
    return memory is not None and bool(memory.identity) and not memory.is_closed


def places(settings: Settings) -> list[Path]:
    """The two folders, the warehouse's first; one only where the place of the keys cannot be told."""
    found = [settings.warehouse / FOLDER]
    with suppress(RomiError):
        keys = key_file(settings.warehouse)
        digest = hashlib.sha256(os.fsencode(settings.warehouse.absolute())).hexdigest()[:8]
        found.append(keys.with_name(f"{keys.name}.{FOLDER}") / digest)
    return found


def write(settings: Settings, name: str, found: Memory) -> None:
    """Remember it in both places, as the latest that was written.

    A second place that cannot be written is left out, and :func:`lacking_places` tells of it.

    Raises:
        TransientError: the warehouse cannot be written.
    """
    text = found.model_copy(update={"sequence": found.sequence + 1}).model_dump(mode="json")
    first, *others = places(settings)
    try:
        _write(first, name, text)
    except OSError as error:
        raise TransientError(f"{first} cannot be written: {error.strerror}") from error
    for place in others:
        with suppress(OSError):
            _write(place, name, text)


@contextmanager
def changing(settings: Settings) -> Iterator[WarehouseMemory]:
    """What is remembered of the warehouse, to oneself between reading and writing it.

    Some of its books are written while another process holds the warehouse. May be taken again by who has it.

    Raises:
        TransientError: the warehouse cannot be written.
    """
    lock = FileLock((settings.warehouse / FOLDER / ".lock").absolute(), mode=0o600, is_singleton=True)
    try:
        (settings.warehouse / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise TransientError(f"{settings.warehouse / FOLDER} cannot be written: {error.strerror}") from error
    try:
        yield warehouse_memory(settings)
    finally:
        lock.release()


def mend_places(settings: Settings) -> list[str]:
    """Give each place what only the other has; returns a line for people for each that lacked something."""
    said = []
    for name in sorted({path.stem for place in places(settings) for path in place.glob("*.json")}):
        kind = _kind(name)
        if (latest := _latest(settings, name, kind)) is None:
            continue
        for place in places(settings):
            found = _read(place / f"{name}.json", kind)
            if found is None or found.sequence < latest.sequence:
                with suppress(OSError):
                    _write(place, name, latest.model_dump(mode="json"))
                    said.append(f"{place / f'{name}.json'} was missing, damaged or older, and is back from its copy")
    return said


def lacking_places(settings: Settings) -> list[Path]:
    """The files of the memory that are missing, damaged or older than their copy."""
    lacking = []
    for name in [WAREHOUSE, *remembered_regions(settings)]:
        kind = _kind(name)
        found = {place / f"{name}.json": _read(place / f"{name}.json", kind) for place in places(settings)}
        latest = max((one.sequence for one in found.values() if one), default=None)
        lacking += [path for path, one in found.items() if latest and (one is None or one.sequence < latest)]
    return lacking


def carry_over(root: Path, work: Path) -> None:
    """Have a restored warehouse at `work` remember what the one at `root`, whose place it takes, knows later."""
    for path in sorted((root / FOLDER).glob("*.json")):
        kind = _kind(path.stem)
        ours, theirs = _read(path, kind), _read(work / FOLDER / path.name, kind)
        if ours and (theirs is None or theirs.sequence < ours.sequence):
            _write(work / FOLDER, path.stem, ours.model_dump(mode="json"))


def forget(settings: Settings, name: str) -> None:
    """Take a region out of the memory altogether."""
    for place in places(settings):
        (place / f"{name}.json").unlink(missing_ok=True)


def _kind(name: str) -> type[Memory]:
    return WarehouseMemory if name == WAREHOUSE else RegionMemory


def _latest(settings: Settings, name: str, kind: type[_Kind]) -> _Kind | None:
    found = [_read(place / f"{name}.json", kind) for place in places(settings)]
    return max((one for one in found if one), key=lambda one: one.sequence, default=None)


def _read(path: Path, kind: type[_Kind]) -> _Kind | None:
    """None where it is not there, or damaged."""
    try:
        stat = path.stat()
        return _parsed(path, stat.st_mtime_ns, stat.st_size, stat.st_ino, kind)
    except (OSError, ValidationError):
        return None


@lru_cache(maxsize=_READ_KEPT)
def _parsed(path: Path, mtime_ns: int, size: int, inode: int, kind: type[_Kind]) -> _Kind:
    """Read once for each of its stands: that of a large region names some ten thousand archives."""
    return kind.model_validate_json(path.read_bytes())


def _write(place: Path, name: str, value: dict[str, object]) -> None:
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place / f"{name}.json"
    write_json(path, value)
    path.chmod(0o600)
