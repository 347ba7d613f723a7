"""Books of lines, a file for each day (UTC): appended in one write, and read while a writer holds the region's file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from settings import now
from settings.durable import append_durably


def book(folder: Path, at: datetime, *lines: dict[str, Any]) -> None:
    """Append objects to the book of the moment's day.

    Raises:
        OSError: it cannot be written.
    """
    append_durably(folder / f"{at.astimezone(UTC).date()}.jsonl", *(json.dumps(line) for line in lines))


def read(folder: Path, since: datetime, until: datetime | None = None) -> Iterator[dict[str, Any]]:
    """The lines of the days from `since` to `until`, oldest first; one that a kill cut short is none."""
    until = until or now() + timedelta(days=1)
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    return read_days(folder, (path for path in map(_day, _books(folder)) if first <= path <= last))


def read_days(folder: Path, days: Iterable[date]) -> Iterator[dict[str, Any]]:
    """The lines of some days, as given."""
    for day in days:
        try:
            lines = (folder / f"{day}.jsonl").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found


def old_books(folder: Path, before: datetime) -> dict[str, Path]:
    """Days that are whole before the moment, by name: what retention takes."""
    return {path.name: path for path in _books(folder) if _day(path) < before.date()}


def is_empty(folder: Path) -> bool:
    return not _books(folder)


def _books(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def _day(path: Path) -> date:
    return date.fromisoformat(path.stem)
