"""The history of the backlog: how deep it was, and how long work took. ``<warehouse>/backlog/<day>.jsonl``.

It stands outside of the regions' files, so that it can be read and written while a writer holds one. A line is either

- ``{"what": "depth", "at", "region", "topic", "archives", "records", "bytes", "oldest_age_seconds", "arrived_records",
  "drained_records"}``: how deep a topic's backlog was; the last two count from the beginning, so that any two lines
  give a rate; or
- ``{"what": "load" | "rebuild" | "publish", "at", "region", "seconds", "records", "bytes", "days"}``: what work took.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from operations.store import day_books
from settings import Settings, now

Work = Literal["load", "rebuild", "publish"]
_LAST = 10  # pieces of work by which the next is estimated
_WITHIN = timedelta(days=60)


def book_depth(settings: Settings, region: str, topics: dict[str, dict[str, Any]]) -> None:
    """Book how deep the backlog of each topic is now. A full disk loses the line, and stops no load."""
    at = now()
    lines = [
        {"what": "depth", "at": at.isoformat(), "region": region, "topic": topic,
         **{name: one[name] for name in ("archives", "records", "bytes", "oldest_age_seconds", "arrived_records",
                                         "drained_records")}}
        for topic, one in topics.items()
    ]  # fmt: skip
    with suppress(OSError):
        day_books.book(folder(settings), at, *lines)


def book_work(settings: Settings, what: Work, region: str, seconds: float, **amounts: int) -> None:
    """Book how long a piece of work took."""
    line = {"what": what, "at": now().isoformat(), "region": region, "seconds": round(seconds, 3), **amounts}
    with suppress(OSError):
        day_books.book(folder(settings), now(), line)


@contextmanager
def timed(settings: Settings, what: Work, region: str = "") -> Iterator[dict[str, int]]:
    """Book how long the body took, where it came to its end, with the amounts that it enters into what this yields."""
    begun, amounts = perf_counter(), dict[str, int]()
    yield amounts
    book_work(settings, what, region, perf_counter() - begun, **amounts)


def depths(settings: Settings, since: datetime) -> Iterator[dict[str, Any]]:
    """Booked depths from a moment on, oldest first."""
    found = (one for one in day_books.read(folder(settings), since) if one.get("what") == "depth")
    return (one for one in found if datetime.fromisoformat(one["at"]) >= since)


def depths_of_weekday(settings: Settings, weeks: int) -> Iterator[dict[str, Any]]:
    """Booked depths of this weekday in the last weeks, today left out."""
    today = now().date()
    days = (today - timedelta(weeks=n) for n in range(weeks, 0, -1))
    return (one for one in day_books.read_days(folder(settings), days) if one.get("what") == "depth")


def work(settings: Settings, what: Work, region: str | None = None) -> list[dict[str, Any]]:
    """The last pieces of that work, oldest first; those of the region where it has any."""
    found = [one for one in day_books.read(folder(settings), now() - _WITHIN) if one.get("what") == what]
    return ([one for one in found if one["region"] == region] or found)[-_LAST:]


def old_books(settings: Settings, before: datetime) -> dict[str, Path]:
    """Days of the history that are whole before the moment: what retention takes."""
    return day_books.old_books(folder(settings), before)


def folder(settings: Settings) -> Path:
    return settings.warehouse / "backlog"
