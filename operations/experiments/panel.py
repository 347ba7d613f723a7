"""The panel that models of marketing mix read: cost and views of channels by day and region, and what came in."""

from __future__ import annotations

from pathlib import Path

import duckdb

from settings import Settings, UsageError

# Every day of a region has every channel that ever cost anything, at nothing if need be.
_PANEL = """
    with days as (
        select region, unnest(generate_series(min(date), max(date), interval 1 day))::date as date
        from finance.orders_daily group by region
    ),
    channels as (select distinct channel from finance.spend_daily),
    costs as (
        select date, region, channel, sum(spend) as spend, sum(impressions)::bigint as impressions
        from finance.spend_daily group by all
    )
    select date, region, channel, coalesce(spend, 0)::decimal(18, 2) as spend,
        coalesce(impressions, 0)::bigint as impressions, coalesce(net_revenue, 0)::decimal(18, 2) as outcome
    from days cross join channels left join costs using (date, region, channel)
    left join finance.orders_daily using (date, region)"""
_WIDE = f"""
    pivot (select * replace (replace(channel, ' ', '_') as channel) from ({_PANEL}))
    on channel using first(spend) as spend, first(impressions) as impressions group by date, region, outcome"""


def write_panel(settings: Settings, path: Path, *, is_wide: bool = False) -> int:
    """Write the panel of the published version as CSV; `outcome` is the region's net revenue of the day.

    Args:
        is_wide: a row for each date and region, with ``<channel>_spend`` and ``<channel>_impressions``, blanks of
            channels as ``_``; otherwise a row for each channel, too.

    Returns:
        How many rows were written.

    Raises:
        UsageError: nothing is published yet.
    """
    marts = settings.published / "marts.duckdb"
    if not marts.exists():
        raise UsageError("nothing is published yet: `romi run` publishes")
    with duckdb.connect(str(marts.resolve()), read_only=True) as con:
        rows = con.sql(_WIDE if is_wide else _PANEL)
        order = "date, region" if is_wide else "date, region, channel"
        rows.order(order).to_csv(str(path), header=True)
        return len(rows)
