"""What a region usually takes in each hour of the week: the baseline of what an outage puts at risk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import duckdb

HOURS = 7 * 24
_WEEKS = 8
_BY_HOUR = f"""
    with orders as (
        select converted_at, revenue_cents from intermediate.int_orders__conversions where revenue_cents is not null
    ),
    ends as (select max(converted_at) as latest, min(converted_at) as earliest from orders),
    weeks as (
        select latest, greatest(1, least({_WEEKS}, ceil(date_diff('minute', earliest, latest) / 10080.0)))::integer as n
        from ends
    )
    select (isodow(converted_at) - 1) * 24 + hour(converted_at), (sum(revenue_cents) // any_value(n))::bigint
    from orders, weeks where converted_at > latest - to_days(7 * n) group by all"""


def by_hour(con: duckdb.DuckDBPyConnection) -> list[int] | None:
    """Cents of the reporting currency that a region took in each hour of the week on average of its last eight weeks.

    Returns:
        168 figures from Monday 0:00 UTC on; None before the first build.
    """
    try:
        found = dict(con.execute(_BY_HOUR).fetchall())
    except duckdb.CatalogException:  # nothing was built yet
        return None
    return [int(found.get(hour, 0)) for hour in range(HOURS)]


def cents_a_minute(hours: Iterable[list[int] | None], at: datetime) -> int | None:
    """What the regions together usually take in a minute of that hour of the week; None where no region's is known."""
    known = [one for one in hours if one]
    return sum(one[at.weekday() * 24 + at.hour] for one in known) // 60 if known else None


def mean_cents_a_minute(hours: Iterable[list[int] | None]) -> int:
    """What they take in a minute on average of the whole week."""
    return sum(sum(one) for one in hours if one) // (HOURS * 60)


def of_snapshots(snapshots: list[dict[str, Any]]) -> dict[str, list[int] | None]:
    """By region, as the snapshots of `romi status` have it."""
    return {one["region"]: one.get("usual_revenue") for one in snapshots}
