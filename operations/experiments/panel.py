"""The panel that models of marketing mix read: cost and views of channels by day and region, and what came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from settings import Settings, UnknownValueError, UsageError

# Such models want the same days of each region, and on every one each channel that ever cost anything, at nothing if
# need be. Nothing may stand for a day that a region was not yet there, so what not all of them have is left out.
_DAYS = """
    select max(first), min(last) from (
        select min(date) as first, max(date) as last from finance.orders_daily
        where region in (select unnest($regions)) group by region)"""
_PANEL = """
    with days as (
        select unnest($regions) as region, date
        from (select unnest(generate_series($first::date, $last::date, interval 1 day))::date as date)
    ),
    costs as (
        select date, region, channel, sum(spend) as spend, sum(impressions)::bigint as impressions
        from finance.spend_daily semi join days using (date, region) group by all
    ),
    channels as (select distinct channel from costs)
    select date, region, channel, coalesce(spend, 0)::decimal(18, 2) as spend,
        coalesce(impressions, 0)::bigint as impressions, coalesce(net_revenue, 0)::decimal(18, 2) as outcome
    from days cross join channels left join costs using (date, region, channel)
    left join finance.orders_daily using (date, region)
    order by date, region, channel"""


@dataclass(frozen=True)
class Panel:
    """What was written: so many rows, of these regions, from the first day to the last."""

    rows: int
    regions: list[str]
    first: date
    last: date


def write_panel(
    settings: Settings, path: Path, *, is_wide: bool = False, only: tuple[str, ...] = (),
    population: Mapping[str, int] | None = None,
) -> Panel:  # fmt: skip
    """Write the panel of the published version as CSV; `outcome` is the region's net revenue of the day.

    Args:
        is_wide: a row for each date and region, with ``<channel>_spend`` and ``<channel>_impressions``, blanks of
            channels as ``_``, and `population`; otherwise a row for each channel, too.
        only: the regions; by default all. It has the days that each of them has.
        population: people in a region, which a model of several regions scales by; 1 where it is not told.

    Raises:
        UsageError: nothing is published yet, the regions have no day in common, or no channel cost anything.
        UnknownValueError: a region has no published orders.
    """
    marts = settings.published / "marts.duckdb"
    if not marts.exists():
        raise UsageError("nothing is published yet: `romi run` publishes")
    with duckdb.connect(str(marts.resolve()), read_only=True) as con:
        regions = _regions(con, only, population or {})
        [(first, last)] = con.execute(_DAYS, {"regions": regions}).fetchall()
        if first > last:
            raise UsageError(f"{', '.join(regions)} have no day in common: choose some of them with --region")
        con.execute(f"create temp table panel as {_PANEL}", {"regions": regions, "first": first, "last": last})
        if not con.execute("select count(*) from panel").fetchall()[0][0]:
            raise UsageError(
                f"no channel has cost of {', '.join(regions)} from {first} to {last}, so there is no panel"
            )
        rows = con.table("panel")
        if is_wide:
            _widen(con, regions, population or {})
            rows = con.table("wide").order("date, region")
        rows.to_csv(str(path), header=True)
        return Panel(len(rows), regions, first, last)


def _regions(con: duckdb.DuckDBPyConnection, only: tuple[str, ...], population: Mapping[str, int]) -> list[str]:
    known = [one for (one,) in con.execute("select distinct region from finance.orders_daily order by all").fetchall()]
    for name in (*only, *population):
        if name not in known:
            raise UnknownValueError("region", name, known)
    return [name for name in known if not only or name in only]


def _widen(con: duckdb.DuckDBPyConnection, regions: list[str], population: Mapping[str, int]) -> None:
    con.execute("create temp table people (region varchar, population bigint)")
    con.executemany("insert into people values (?, ?)", [(name, population.get(name, 1)) for name in regions])
    con.execute("""create temp table wide as pivot (
            select date, region, population, outcome, replace(channel, ' ', '_') as channel, spend, impressions
            from panel join people using (region))
        on channel using first(spend) as spend, first(impressions) as impressions
        group by date, region, population, outcome""")
