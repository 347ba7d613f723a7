"""What a version changes of the figures that the one before it showed: by how much, and why."""

from __future__ import annotations

from typing import Any

import duckdb

from operations.finance_tables.published_tables import FINANCE, RESTATEMENTS, Columns, Table
from settings.features import MODELS

_MEASURES = ("spend", "conversions", "orders", "revenue", "refunds", "cogs")


def note_builds(con: duckdb.DuckDBPyConnection, shown: dict[str, dict[str, Any]], builds: dict[str, Any]) -> None:
    """Keep what days were rebuilt for as ``builds``, and how far the current version is as ``shown_states``.

    Args:
        shown: the state of each region that the current version shows, by region.
        builds: an Arrow table ``(day, build, rebuilt_for)`` for each region whose file was read.
    """
    states = [(region, state["build"], state["final_through"]) for region, state in shown.items()]
    con.execute("create temp table shown_states (region varchar, build bigint, final_through date)")
    if states:
        con.executemany("insert into shown_states values (?, ?, ?)", states)
    con.execute("create temp table builds (region varchar, day date, build bigint, rebuilt_for varchar)")
    for region, days in builds.items():
        con.register("fresh", days)
        con.execute(
            """insert into builds by name select $region as region,
            * replace (unnest(string_split(rebuilt_for, '; ')) as rebuilt_for) from fresh""",
            {"region": region},
        )
        con.unregister("fresh")


def book_restatements(con: duckdb.DuckDBPyConnection, version: int, lookback_days: int, last: Columns) -> None:
    """Carry the book of restatements over from ``last_good`` and enter what `version` changes of it.

    A day before the first or after the last that was shown is no restatement; nor is a month, or a day of touches, that
    was still filling up. One in between that showed nothing is restated from nothing.

    Args:
        con: the version being built, with the current one attached as ``last_good``, after :func:`note_builds`.
        last: the columns of the current version's tables.
    """
    if str(RESTATEMENTS) in last:
        con.execute(f"insert into {RESTATEMENTS} by name from last_good.{RESTATEMENTS}")
    for table in FINANCE:
        known = last.get(str(table), {})  # what was not published before is no restatement
        # What is cumulated follows from what is booked of the months.
        if table.period and not table.is_cumulative and ("revenue" in known or "spend" in known):
            _book(con, version, table, [name for name in _MEASURES if name in known], lookback_days)


def _book(
    con: duckdb.DuckDBPyConnection, version: int, table: Table, measures: list[str], lookback_days: int
) -> None:  # fmt: skip
    """One table's changes by period and region: of the totals, and of credit moved between cells."""
    first, last = _days_of(table, lookback_days)
    con.execute(
        f"""insert into {RESTATEMENTS} by name
        with {_changed(table, measures)},
        shown_days as (
            select region, min(date) as first_day, greatest(max(date), any_value(final_through)) as last_day
            from last_good.finance.romi_daily join shown_states using (region) group by region
        )
        select $version as version, '{table.name}' as "table", changed.date, changed.region,
            {", ".join(f"changed.{one} as {one}_change" for one in measures)}, moved as credit_moved,
            coalesce((
                select string_agg(distinct rebuilt_for, '; ' order by rebuilt_for) from builds
                    join shown_states using (region)
                where builds.region = changed.region and builds.build > shown_states.build
                    and builds.day between {first} and {last}
            ), 'privacy or contract') as why
        from changed join shown_days on changed.region = shown_days.region and {last} <= last_day
        where {first} >= first_day
            or exists (from was where was.{table.period} = changed.date and was.region = changed.region)""",
        {"version": version},
    )


def _changed(table: Table, measures: list[str]) -> str:
    """CTEs: ``changed`` has the largest change of a model, of each measure by period and region."""
    grain = [name for name in table.grain if name not in (table.period, "region")]
    in_grain = ", ".join((str(table.period), "region", *grain))
    sides = {
        side: f"select {in_grain}, {', '.join(measures)} from {place}{table}"
        for side, place in (("now", ""), ("was", "last_good."))
    }
    changes = ", ".join(f"coalesce(now.{one}, 0) - coalesce(was.{one}, 0) as {one}" for one in measures)
    model = "attribution_model" if "attribution_model" in grain else "''"
    money = "revenue" if "revenue" in measures else "spend"
    # A model that was switched on or off shows or hides its figures; it restates none.
    both = (
        f"""
        where attribution_model not in {MODELS} or (region, attribution_model) in (
            select (region, attribution_model) from now intersect select (region, attribution_model) from was)
        """
        if model == "attribution_model"
        else ""
    )
    return f"""
        now as ({sides["now"]}), was as ({sides["was"]}),
        cells as (
            select {in_grain}, {changes} from now full join was using ({in_grain}) {both}
        ),
        by_model as (
            select {table.period} as date, region, {model} as model,
                {", ".join(f"sum({one}) as {one}" for one in measures)},
                (sum(abs({money})) - abs(sum({money}))) / 2 as moved,
                bool_or({" or ".join(f"{one} != 0" for one in measures)}) as is_changed
            from cells group by all
        ),
        changed as (
            select date, region, {", ".join(f"max_by({one}, abs({one})) as {one}" for one in measures)},
                max(moved) as moved
            from by_model group by all having bool_or(is_changed)
        )"""


def _days_of(table: Table, lookback_days: int) -> tuple[str, str]:
    """The first and the last day whose orders a period of the table holds, in SQL over ``changed.date``."""
    if table.period == "month":
        return "changed.date", "last_day(changed.date)"
    return "changed.date", f"changed.date + {lookback_days + 1 if table.is_by_touch else 0}"
