"""The history of the backlog: how deep it was, and how long work took. ``<warehouse>/backlog/<day>.jsonl``.

It stands outside of the regions' files, so that it can be read and written while a writer holds one; each load copies
what is new of its depths into ``ops.backlog_history`` of the region's file. A line is either

- ``{"what": "depth", "at", "region", "topic", "archives", "records", "bytes", "oldest_age_seconds",
  "seconds_to_clear", "known_loss_records", "arrived_records", "drained_records"}``: how deep a topic's backlog was;
  the last two count from the beginning, so that any two lines give a rate; or
- ``{"what": "load" | "rebuild" | "publish", "at", "region", "seconds", "records", "bytes", "days"}``: what work took;
- ``{"what": "ingest job" | "rebuild job" | "publish job" | "run", "at", "region", "seconds"}``: what a job, or a run of
  the command line, took beyond the work in it: starting, importing, Dagster's steps, judging what was built.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import duckdb
import polars as pl

from operations.store import day_books
from settings import Settings, now

Work = Literal["load", "rebuild", "publish", "ingest job", "rebuild job", "publish job", "run"]
JOBS: dict[str, Work] = {"ingest": "ingest job", "rebuild": "rebuild job", "publish": "publish job"}
DEPTH = (
    "archives", "records", "bytes", "oldest_age_seconds", "seconds_to_clear", "known_loss_records", "arrived_records",
    "drained_records",
)  # fmt: skip
# Rates are those of the day before, or of what is known of it.
_ENTER = f"""
    insert into ops.backlog_history by name
    with known as (
        select "at", topic, arrived_records, drained_records from ops.backlog_history
        union all select "at", topic, arrived_records, drained_records from entered
    ),
    spans as (
        select entered.*, min(known."at") as since, min_by(known.arrived_records, known."at") as arrived_before,
            min_by(known.drained_records, known."at") as drained_before
        from entered left join known on known.topic = entered.topic
            and known."at" < entered."at" and known."at" >= entered."at" - interval 24 hours
        group by all
    )
    select "at", topic, {", ".join(DEPTH)},
        (arrived_records - arrived_before) / (epoch("at") - epoch(since)) * 3600 as arrival_records_per_hour,
        (drained_records - drained_before) / (epoch("at") - epoch(since)) * 3600 as drain_records_per_hour
    from spans order by "at", topic"""
_LAST = 10  # pieces of work by which the next is estimated
_WITHIN = timedelta(days=60)


@dataclass
class Span:
    """How long something took, and how much of that what was measured within it did."""

    seconds: float = 0.0
    within: float = 0.0

    @property
    def beyond(self) -> float:
        return self.seconds - self.within


_open: ContextVar[Span | None] = ContextVar("open", default=None)


def book_depth(settings: Settings, region: str, topics: dict[str, dict[str, Any]]) -> None:
    """Book how deep the backlog of each topic is now. A full disk loses the line, and stops no load."""
    at = now()
    lines = [
        {"what": "depth", "at": at.isoformat(), "region": region, "topic": topic,
         **{name: one.get(name) for name in DEPTH}}
        for topic, one in topics.items()
    ]  # fmt: skip
    with suppress(OSError):
        day_books.book(folder(settings), at, *lines)


def book_work(settings: Settings, what: Work, region: str, seconds: float, **amounts: int) -> None:
    """Book how long a piece of work took."""
    line = {"what": what, "at": now().isoformat(), "region": region, "seconds": round(seconds, 3), **amounts}
    with suppress(OSError):
        day_books.book(folder(settings), now(), line)


def enter(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> int:
    """Copy the depths that ``ops.backlog_history`` of the region's file does not have yet into it; returns how many."""
    clock = now().astimezone(UTC).replace(tzinfo=None)
    # A clock that was ahead once must not hide what is booked now.
    [(last,)] = con.execute('select max("at") from ops.backlog_history where "at" <= ?', [clock]).fetchall()
    since = clock - _WITHIN if last is None else last - timedelta(days=1)
    held = set(con.execute('select "at", topic from ops.backlog_history where "at" >= ?', [since]).fetchall())
    found = {
        (_utc(one["at"]), one["topic"]): one for one in depths(settings, since.replace(tzinfo=UTC))
        if one["region"] == region
    }  # fmt: skip
    found = {key: one for key, one in found.items() if key not in held}
    if not found:
        return 0
    rows = [[at, topic, *(one.get(name) for name in DEPTH)] for (at, topic), one in found.items()]
    schema: dict[str, Any] = {"at": pl.Datetime("us"), "topic": pl.String, **dict.fromkeys(DEPTH, pl.Int64)}
    con.register("entered", pl.DataFrame(rows, schema=schema, orient="row").to_arrow())
    con.execute(_ENTER)
    con.unregister("entered")
    return len(found)


@contextmanager
def timed(settings: Settings, what: Work, region: str = "") -> Iterator[dict[str, int]]:
    """Book how long the body took, where it came to its end, with the amounts that it enters into what this yields."""
    amounts = dict[str, int]()
    with measured() as span:
        yield amounts
    book_work(settings, what, region, span.seconds, **amounts)


@contextmanager
def measured() -> Iterator[Span]:
    """Measure the body; what is measured within it is told apart."""
    around, span, begun = _open.get(), Span(), perf_counter()
    _open.set(span)
    try:
        yield span
    finally:
        span.seconds = perf_counter() - begun
        _open.set(around)
        if around:
            around.within += span.seconds


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


def _utc(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)
