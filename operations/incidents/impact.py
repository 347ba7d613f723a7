"""What an incident came to: minutes, the usual revenue of them, and what its days were restated by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from operations.finance_tables.published_tables import RESTATEMENTS
from operations.incidents import stakes, words
from operations.incidents.incident import Incident
from operations.store.versions import current_version, version_dir
from settings import Settings, now

_LONGEST = 366 * 24  # hours, so that a clock gone wrong does not count for ever
_RESTATED = f"""
    select version, region, count(*), min(date), max(date), coalesce(sum(abs(revenue_change)), 0),
        coalesce(sum(revenue_change), 0), string_agg(distinct why, ', ' order by why)
    from {RESTATEMENTS}
    where "table" = 'orders_daily' and list_contains($regions::varchar[], region) and version in (
        select distinct version from (from {RESTATEMENTS}) where version between $first and $last)
    group by all order by all"""


@dataclass(frozen=True)
class Impact:
    """`at_risk_cents`: the usual revenue of the regions in the time that it was open; None where none is known.

    `restated`: by version and region, the days of `orders_daily` that were published anew meanwhile and by how much.
    """

    minutes: int
    at_risk_cents: int | None
    restated: tuple[dict[str, Any], ...]


def impact(settings: Settings, incident: Incident) -> Impact:
    """Of an incident that is over, or so far."""
    end = incident.closed_at or now()
    return Impact(words.minutes(incident), _at_risk(settings, incident, end), tuple(_restated(settings, incident, end)))


def _at_risk(settings: Settings, incident: Incident, end: datetime) -> int | None:
    if not stakes.puts_revenue_at_risk(incident):
        return 0
    usual = stakes.baseline(settings)
    hours = [one for region, one in usual.items() if one and (not incident.regions or region in incident.regions)]
    if not hours:
        return None
    total, at = 0, incident.opened_at
    for _ in range(_LONGEST):
        if at >= end:
            break
        until = min(end, at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
        seconds = int((until - at).total_seconds())
        total += sum(one[at.weekday() * 24 + at.hour] for one in hours) * seconds
        at = until
    return total // 3600


def _restated(settings: Settings, incident: Incident, end: datetime) -> list[dict[str, Any]]:
    """What versions that were published while it was open, or by the run that closed it, changed in its regions."""
    current = current_version(settings)
    if current is None or not incident.regions:
        return []
    try:
        with duckdb.connect(str(version_dir(settings, current) / "marts.duckdb"), read_only=True) as con:
            versions = _versions(settings, incident.opened_at, end)
            if not versions:
                return []
            rows = con.execute(
                _RESTATED, {"regions": incident.regions, "first": min(versions), "last": max(versions)}
            ).fetchall()
    except duckdb.Error:
        return []
    names = ("version", "region", "days", "first", "last", "moved", "change", "why")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _versions(settings: Settings, begin: datetime, end: datetime) -> list[int]:
    from operations.store.versions import versions

    spare = timedelta(hours=1)  # a run publishes before it looks at incidents
    return [
        one.id for one in versions(settings)
        if begin - spare <= one.built_at.replace(tzinfo=begin.tzinfo) <= end + spare
    ]  # fmt: skip
