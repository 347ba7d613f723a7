"""`romi close MONTH`: lock what is published of a month, once nothing of it is open; and open it again, with a reason.

A lock is written beside its place and gets its name in one rename, from which on the month is closed. What is published
follows at once, or with the next run: killed at any moment, the same command again ends the same.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ingestion.records import naive_utc
from operations.closes.contents import write_contents
from operations.closes.locks import (
    FOLDER,
    MANIFEST,
    REOPENED,
    Lock,
    all_locks,
    folder_of,
    in_force,
    month_name,
)
from operations.closes.still_open import StillOpenError, still_open
from operations.publishing.publish import Publication, publish
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly
from operations.store.memory.keeping import remember_closes
from operations.store.memory.remembered import WAREHOUSE
from operations.store.versions import current_version, read_manifest
from privacy import signing
from privacy.keys import Key, region_key
from settings import Settings, UsageError, now
from settings.durable import sync, write_durably

_READ_ONLY = 0o440


@dataclass(frozen=True)
class Closed:
    """A close that is in force, or was just opened again."""

    lock: Lock
    is_new: bool  # whether this call made it
    version: int | None  # the version that this call published


def signing_key(settings: Settings, *, make: bool = True) -> Key:
    """The warehouse's key, which signs closes; it stands beside those of the regions."""
    return region_key(settings.warehouse, WAREHOUSE, "certificate", make=make)


def close(settings: Settings, month: date, by: str, on_wait: OnWait = wait_quietly) -> Closed:
    """Close the month that begins on that day, or do nothing where it is closed.

    Raises:
        StillOpenError: something of it is open.
        UsageError: there is no warehouse.
    """
    check_warehouse(settings)
    with exclusive(settings, on_wait):
        _remove_leftovers(settings)
        lock = next((one for one in in_force(settings) if one.month == month), None)
        if lock is None and (found := still_open(settings, month)):
            raise StillOpenError(month, found)
        made = lock or _lock(settings, month, by)
        return Closed(made, lock is None, _publish(settings))


def reopen(settings: Settings, month: date, reason: str, by: str, on_wait: OnWait = wait_quietly) -> Closed:
    """Open a closed month again, booked and signed: its figures follow the truth, as restatements.

    Raises:
        UsageError: it is not closed, or no reason is given.
    """
    check_warehouse(settings)
    if not reason.strip():
        raise UsageError("a reason is needed to open a month again: --reason TEXT")
    with exclusive(settings, on_wait):
        closed = {one.month: one for one in in_force(settings)}
        if month not in closed:
            named = ", ".join(map(str, closed.values())) or "none"
            raise UsageError(f"{month_name(month)} is not closed; closed: {named}")
        lock = closed[month]
        document = {
            "format": "ROMI monthly close, reopened", "month": str(lock), "number": lock.number,
            "reason": reason.strip(), "reopened_by": by, "reopened_at": naive_utc(now()).isoformat(),
            "manifest_sha256": lock.sha256,
        }  # fmt: skip
        write_durably(lock.folder / REOPENED, signing.signed(signing_key(settings), document), mode=_READ_ONLY)
        return Closed(lock, True, _publish(settings))


def _lock(settings: Settings, month: date, by: str) -> Lock:
    earlier = all_locks(settings)
    number = max((one.number for one in earlier if one.month == month), default=0) + 1
    final = folder_of(settings, month) / str(number)
    work = final.with_name(f".{number}.tmp")
    work.mkdir(parents=True)
    manifest = {
        **write_contents(settings, month, work, earlier), "number": number, "closed_by": by,
        "closed_at": naive_utc(now()).isoformat(),
    }  # fmt: skip
    write_durably(work / MANIFEST, signing.signed(signing_key(settings), manifest))
    for path in sorted(work.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(_READ_ONLY)
        sync(path)
    sync(work)
    os.rename(work, final)
    for folder in (final.parent, final.parent.parent, settings.warehouse):
        sync(folder)
    return next(one for one in all_locks(settings) if one.folder == final)


def _publish(settings: Settings) -> int | None:
    """Show which months are closed, in a version that differs from the current one in that alone."""
    remember_closes(settings)
    current = current_version(settings)
    was_examined = current is not None and read_manifest(settings, current).get("examined", False)
    done: Publication | None = publish(settings, examine=_as_it_was if was_examined else None)
    return done.version if done else None


def _as_it_was(version: int, folder: Path, before: Path | None) -> dict[str, Any]:
    """Nothing to withhold: these rows were examined when they were published first."""
    return {}


def _remove_leftovers(settings: Settings) -> None:
    """Clear what a killed close was writing."""
    for folder in (settings.warehouse / FOLDER).glob("*/.*.tmp"):
        shutil.rmtree(folder)
