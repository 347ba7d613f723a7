"""What the warehouse will hold if it goes on growing as it did, and the day on which its disk stops fitting."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import duckdb

from settings import Settings, now

_PERIOD = 28  # days
_HORIZON = 5 * 365
_SLOWEST, _FASTEST = 0.8, 1.5  # growth a period beyond which a few weeks tell nothing of years
_EVENTS = f"""
    with latest as (select max(occurred_at) as newest from raw.events)
    select count(*), count(*) filter (occurred_at > newest - interval {_PERIOD} day),
        count(*) filter (occurred_at > newest - interval {2 * _PERIOD} day
            and occurred_at <= newest - interval {_PERIOD} day)
    from raw.events, latest"""


def measured(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> dict[str, int]:
    """What a forecast goes by: events in the region's file, in the last 28 days and the 28 before, and its bytes."""
    events, last, before = con.execute(_EVENTS).fetchall()[0]
    size = 0
    with suppress(OSError):
        size = settings.region_file(region).stat().st_size
    return {"events": events, "last_28_days": last, "28_days_before": before, "bytes": size}


def forecast(settings: Settings, measures: Iterable[dict[str, int]]) -> dict[str, Any]:
    """Events a day, bytes a day and the first day on which the disk does not suffice; None where that is years away.

    A file that is written anew needs its room twice, so that much is kept free. Events past `retention.raw_days` go.

    Args:
        measures: of each region, as :func:`measured` has them.
    """
    known = [one for one in measures if one and one["events"]]
    events, last, before = (sum(one[name] for one in known) for name in ("events", "last_28_days", "28_days_before"))
    size, largest = sum(one["bytes"] for one in known), max((one["bytes"] for one in known), default=0)
    free = shutil.disk_usage(settings.warehouse).free
    a_day, a_record = last / _PERIOD, size / events if events else 0.0
    growth = min(_FASTEST, max(_SLOWEST, last / before)) if before >= _PERIOD else 1.0
    day = _stops_fitting(a_day, growth ** (1 / _PERIOD), a_record, events, free - largest, settings.retention.raw_days)
    return {
        "events_a_day": round(a_day), "growth_a_month": round(growth - 1, 3), "bytes": size,
        "bytes_a_day": round(a_day * a_record), "free_bytes": free, "stops_fitting_on": day and str(day),
    }  # fmt: skip


def _stops_fitting(
    a_day: float, daily_growth: float, a_record: float, events: int, room: float, raw_days: int
) -> date | None:  # fmt: skip
    """The first day on which what came in since today, less what retention took, needs more than `room`."""
    today, held, arrivals = now().date(), float(events), []
    for passed in range(1, _HORIZON + 1):
        arrivals.append(a_day * daily_growth**passed)
        held += arrivals[-1]
        # What is here now goes evenly; what arrives goes when its period is over.
        held -= events / raw_days if passed <= raw_days else arrivals[passed - raw_days - 1]
        if (held - events) * a_record > room:
            return today + timedelta(days=passed)
    return None
