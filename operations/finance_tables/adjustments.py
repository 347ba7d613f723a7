"""Prior-period adjustments: what today's truth differs by from the figures of a closed month, booked in the open one.

For every month that was ever closed: its published figures and the sum of its adjustments are what would be published
if it had never been closed, to the cent, at every version. They are totals of region and month, which any version of an
open month shows, so that they give no small cell away.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import duckdb

from operations.finance_tables.published_tables import ADJUSTED, ADJUSTMENTS, FINANCE, Columns, Table, in_sql

# The tables whose totals are adjusted. Those of `romi_daily`, `romi_monthly` and `romi_by_segment` are, under every
# model, those of orders and of cost.
BASES = ("orders_daily", "spend_daily", "romi_by_touch_date")
_GRAIN = ("closed_month", "region", "table", "attribution_model")


def bases() -> list[Table]:
    return [table for table in FINANCE if table.name in BASES]


def note_totals(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Keep what the tables of the version being built add up to now, by closed month, as a temporary table `name`.

    ``locked_days`` says which days each closed month has of which table.
    """
    totals = " union all by name ".join(_totals(table) for table in bases())
    con.execute(f"create temp table {name} as {totals}")


def book_adjustments(
    con: duckdb.DuckDBPyConnection, version: int, booked_month: date | None,
    unsettled: Iterable[tuple[date, str, str]], last: Columns,
) -> None:  # fmt: skip
    """Carry the book of adjustments over from ``last_good`` and enter what this version has to add to it.

    A month that was reopened shows the truth again, so that what was booked of it is taken back.

    Args:
        con: the version being built, with ``truth`` and ``shown`` as :func:`note_totals` made them before and after
            the closed months' own rows took their places, and ``builds`` and ``shown_states`` of the restatements.
        booked_month: the open month; None where none was ever closed.
        unsettled: closed month, region and table of which the truth is not known now, since days are held back: what
            was booked stands.
        last: the columns of the current version's tables.
    """
    if str(ADJUSTMENTS) in last:
        con.execute(f"insert into {ADJUSTMENTS} by name from last_good.{ADJUSTMENTS}")
    if booked_month is None:
        return
    con.execute('create temp table unsettled (closed_month date, region varchar, "table" varchar)')
    if rows := list(unsettled):
        con.executemany("insert into unsettled values (?, ?, ?)", rows)
    for table in bases():
        _book(con, version, booked_month, table)


def _book(con: duckdb.DuckDBPyConnection, version: int, booked_month: date, table: Table) -> None:
    measures, grain = _measures(table), in_sql(_GRAIN)
    summed = ", ".join(f"sum({one}) as {one}" for one in measures)
    signed = {sign: ", ".join(f"{sign}{one} as {one}" for one in measures) for sign in ("", "-")}
    con.execute(
        f"""insert into {ADJUSTMENTS} by name
        with sides as (
            select {grain}, {signed[""]} from truth
            union all by name select {grain}, {signed["-"]} from shown
            union all by name select {grain}, {signed["-"]} from {ADJUSTMENTS}
        ),
        due as (
            select {grain}, {summed} from sides where "table" = '{table.name}'
            group by all having {" or ".join(f"sum({one}) != 0" for one in measures)}
        )
        select $version as version, $booked_month as booked_month, {grain}, {in_sql(measures)},
            coalesce((
                select string_agg(distinct rebuilt_for, '; ' order by rebuilt_for)
                from builds left join shown_states using (region)
                where builds.region = due.region and builds.build > coalesce(shown_states.build, -1)
                    and date_trunc('month', builds.day) = due.closed_month
            ), 'later orders, privacy or contract') as why
        from due anti join unsettled using (closed_month, region, "table")""",
        {"version": version, "booked_month": booked_month},
    )


def _measures(table: Table) -> list[str]:
    return [name for name in ADJUSTED if name in table.columns]


def _totals(table: Table) -> str:
    model = "attribution_model" if "attribution_model" in table.grain else "'(all)'"
    return f"""
        select closed_month, region, '{table.name}' as "table", {model} as attribution_model,
            {", ".join(f"sum({one}) as {one}" for one in _measures(table))}
        from {table} join locked_days on "table" = '{table.name}' and {table.period} between first_day and last_day
        group by all"""
