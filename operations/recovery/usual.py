"""Whether the backlog is usual for the region: against the same hour of the same weekday of the weeks before.

Where fewer than `anomalies.minimum_weeks` of them are known there is no baseline, and fixed numbers stand in for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import duckdb

from operations.recovery import history
from quality.anomalies import spread
from settings import Anomaly, Settings, now

KNOWS_NOTHING: dict[str, Any] = {"weeks": 0, "days": 0, "by_hour": []}  # of what arrives
_WEEK_HOURS = 7 * 24
_GRACE = timedelta(hours=2)  # archives of an hour may take so long to land
_STEADY_DAYS = 3  # of the last week with arrivals, without which nobody knows when the next is due
# Of each hour of the last weeks how many records arrived in it, by the stamps of archives.
_ARRIVALS = """
    with hours as (
        select date_trunc('hour', make_timestamp(mtime_ns // 1000)) as hour, sum(records)::bigint as records
        from ops.archives where state = 'loaded' and kind = 'events' group by all
    )
    select hour, records from hours where hour >= ?::timestamp - to_days(7 * ?) and hour < ?::timestamp order by hour"""


@dataclass(frozen=True)
class Unusual:
    """What is unusual of a region's backlog; `topic` None: of the whole region."""

    what: str  # "late" or "deep"
    topic: str | None
    words: str


def arrivals(con: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, Any]:
    """What usually arrives in each hour of the week (168 medians from Monday 0:00 UTC on), and over how many weeks.

    Weeks before the first arrival do not count, nor does the present hour, which is not over.
    """
    clock = now().astimezone(UTC).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    rows = con.execute(_ARRIVALS, [clock, settings.anomalies.weeks, clock]).fetchall()
    if not rows:
        return KNOWS_NOTHING
    weeks = min(settings.anomalies.weeks, int((clock - rows[0][0]) / timedelta(weeks=1)))
    seen: dict[int, list[int]] = defaultdict(list)
    for hour, records in rows:
        if hour >= clock - timedelta(weeks=weeks):
            seen[hour.weekday() * 24 + hour.hour].append(records)
    by_hour = [_median_of(seen[n], weeks) for n in range(_WEEK_HOURS)] if weeks else []
    days = {hour.date() for hour, _ in rows if hour >= clock - timedelta(weeks=1)}
    return {"weeks": weeks, "days": len(days), "by_hour": by_hour}


def _median_of(values: list[int], weeks: int) -> int:
    """With a zero for each week in which nothing arrived in that hour."""
    return int(median([*values, *[0] * (weeks - len(values))])) if weeks else 0


def unusual(settings: Settings, region: str, backlog: dict[str, Any], usual: dict[str, Any]) -> Iterator[Unusual]:
    """What of a measured backlog is not as usual.

    Args:
        usual: what :func:`arrivals` told.
    """
    if words := late(settings, backlog.get("last_arrival"), usual):
        yield Unusual("late", None, words)
    known = _usual_depths(settings, region) if backlog.get("archives") else {}
    for topic, one in backlog.get("topics", {}).items():
        if one["archives"] and (words := _deep(settings, one, known.get(topic, []))):
            yield Unusual("deep", topic, words)


def late(settings: Settings, last_arrival: str | None, usual: dict[str, Any]) -> str | None:
    """Whether, and by how much, nothing arrives any more, though by now it usually would have."""
    if last_arrival is None or (not usual.get("by_hour") and usual.get("days", 0) < _STEADY_DAYS):
        return None
    last = datetime.fromisoformat(last_arrival)
    silent = now() - last
    said = f"nothing has arrived since {last:%Y-%m-%d %H:%M} UTC, {_hours(silent)} ago"
    if usual["weeks"] < settings.anomalies.minimum_weeks:
        limit = timedelta(hours=settings.slo.freshness_hours)
        return f"{said}; it usually arrives every day" if silent > limit and usual["days"] >= _STEADY_DAYS else None
    missing, hour = 0, last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while hour + timedelta(hours=1) + _GRACE <= now() and hour < last + timedelta(weeks=1):
        missing += usual["by_hour"][hour.weekday() * 24 + hour.hour]
        hour += timedelta(hours=1)
    enough = max(settings.anomalies.minimum_volume, sum(usual["by_hour"]) / _WEEK_HOURS)
    return f"{said}; {missing:,} records usually would have by now" if missing >= enough else None


def _usual_depths(settings: Settings, region: str) -> dict[str, list[int]]:
    """By topic the deepest backlog of this hour, in records, in each of the weeks before of which any is booked."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for one in history.depths_of_weekday(settings, settings.anomalies.weeks):
        at = datetime.fromisoformat(one["at"])
        if one["region"] == region and at.hour == now().hour:
            day = str(at.date())
            found[one["topic"]][day] = max(one["records"], found[one["topic"]].get(day, 0))
    return {topic: list(days.values()) for topic, days in found.items()}


def _deep(settings: Settings, topic: dict[str, Any], weeks: list[int]) -> str | None:
    rules, records = settings.anomalies, topic["records"]
    age = timedelta(seconds=topic["oldest_age_seconds"] or 0)
    if len(weeks) < rules.minimum_weeks:
        limit = timedelta(hours=settings.slo.freshness_hours)
        return f"the oldest of {topic['archives']:,} archives has waited for {_hours(age)}" if age > limit else None
    usual = median(weeks)
    beyond = float(Anomaly().warn or 5) * spread([float(one) for one in weeks], usual, max(usual, 1) ** 0.5, 0.06)
    if records < rules.minimum_volume or records <= usual + beyond:
        return None
    return f"about {records:,} records wait in {topic['archives']:,} archives, {usual:,.0f} are usual for this hour"


def _hours(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
