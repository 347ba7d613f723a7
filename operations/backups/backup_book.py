"""The book of backups: which came back on trial, what would be lost now, and how long it would take to be back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from operations.backups.at_hand import in_folder
from operations.backups.backup_places import BOOK, known_in_buckets
from operations.store.memory.keeping import add_to_book
from settings import Settings, now


@dataclass(frozen=True)
class Verified:
    """A backup and what its trial came to; `problem` where there is none, or it did not come back as it was."""

    folder: str  # or its address in an object store
    made_at: str
    files: int
    bytes: int
    seconds: float
    recovery_point: dict[str, str | None]
    recovery_seconds: float | None  # None where it was not tried
    problem: str | None


def last_verified(settings: Settings) -> Verified | None:
    """The newest backup that came back as it was and is still there, no file of it gone or of another size."""
    tried = [one for one in _booked(settings) if not one.problem and one.recovery_seconds is not None]
    in_buckets = known_in_buckets(settings)
    newest_first = sorted(tried, key=lambda one: one.made_at, reverse=True)
    return next(
        (one for one in newest_first if one.folder in in_buckets or in_folder(Path(one.folder)) == (None, None)), None
    )


def is_due(settings: Settings) -> bool:
    """Whether the configuration asks for a backup now; it does not without ``backup.every_hours``."""
    if settings.backup.every_hours is None:
        return False
    last = last_verified(settings)
    every = timedelta(hours=settings.backup.every_hours)
    return last is None or now() - datetime.fromisoformat(last.made_at) >= every


def summary(settings: Settings) -> dict[str, Any]:
    """What ``romi status`` says: what would be lost now, and how long it would take to be back."""
    last, booked = last_verified(settings), list(_booked(settings))
    age = (now() - datetime.fromisoformat(last.made_at)).total_seconds() if last else None
    return {
        "last": last.made_at if last else None,
        "folder": last.folder if last else None,
        "recovery_point": last.recovery_point if last else {},
        "recovery_point_seconds": None if age is None else int(age),
        "recovery_time_seconds": last.recovery_seconds if last else None,
        "every_hours": settings.backup.every_hours,
        "is_due": is_due(settings),
        "problem": booked[-1].problem if booked else None,
    }


def enter(settings: Settings, done: Verified) -> None:
    """Book a backup and its trial."""
    add_to_book(settings, BOOK, json.dumps(asdict(done)))


def _booked(settings: Settings) -> Iterator[Verified]:
    path = settings.warehouse / BOOK
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            yield Verified(**json.loads(line))
        except (ValueError, TypeError):  # a kill cut it short
            continue
