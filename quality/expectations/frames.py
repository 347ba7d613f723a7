"""What the suites look at: rows of a built version whose region and month differ from the version before.

Sums are made by DuckDB, in decimals; only then do they become pandas' doubles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

_MONEY = ("spend", "conversions", "revenue", "refunds", "net_revenue", "cogs", "margin")
_TABLES = {"romi_daily": "date", "romi_monthly": "month", "romi_by_touch_date": "date", "romi_by_segment": "month",
           "channel_weights": "month", "orders_daily": "date", "orders_by_currency": "month", "spend_daily": "date",
           "reconciliation_daily": "date"}  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """A suite's rows: `region` and the column of the period tell where one stands."""

    period: str
    query: str


def _doubles(*columns: str) -> str:
    return ", ".join(f"{one}::double as {one}" for one in columns)


def _sums(columns: tuple[str, ...], suffix: str = "") -> str:
    return ", ".join(f"sum({one})::double as {one}{suffix}" for one in columns)


def _romi(table: str) -> Frame:
    period = _TABLES[table]
    return Frame(period, f"""
        select region, {period}, channel, attribution_model, {_doubles(*_MONEY)},
            (margin - spend)::double as profit, roas, romi, cpa
        from finance.{table} semi join changed on {_is_of("changed", table, period)}""")  # fmt: skip


def _is_of(other: str, table: str, period: str) -> str:
    return f"{other}.region = {table}.region and {other}.month = date_trunc('month', {table}.{period})"


def _plain(table: str, columns: str) -> Frame:
    period = _TABLES[table]
    return Frame(
        period,
        f"select region, {period}, {columns} from finance.{table}"
        f" semi join changed on {_is_of('changed', table, period)}",
    )


def _beside(left: str, right: str, by: str, months: str) -> str:
    """Two sums side by side, for the months of the table `months`."""
    period = by.split(", ")[1]
    return f"""
        with one as ({left}), other as ({right})
        from (from one full join other using ({by})) as both_sides
        semi join {months} as held on held.region = both_sides.region
            and held.month = date_trunc('month', both_sides.{period})"""


_CREDIT = ("conversions", "revenue", "refunds", "cogs")
_COST = ("spend", "impressions", "clicks")
_SOLD = ("orders", "revenue", "refunds")
_BY_MODEL = "region, month, attribution_model"

FRAMES = {
    "romi_daily": _romi("romi_daily"),
    "romi_monthly": _romi("romi_monthly"),
    "romi_by_touch_date": _romi("romi_by_touch_date"),
    "romi_by_segment": _plain("romi_by_segment", "segment"),
    "channel_weights": _plain("channel_weights", "share"),
    "orders_daily": _plain(
        "orders_daily", "orders, new_customers, " + _doubles("revenue", "refunds", "net_revenue", "cogs", "margin")
    ),
    "spend_daily": _plain("spend_daily", "impressions, clicks"),
    "reconciliation_daily": _plain(
        "reconciliation_daily",
        "missing_in_warehouse + wrong_amounts as wrong_orders, ledger_orders, accuracy, event_match_rate",
    ),
    "months_and_days": Frame("month", _beside(
        f"select {_BY_MODEL}, {_sums(('spend', *_CREDIT))} from finance.romi_monthly group by all",
        f"select region, date_trunc('month', date)::date as month, attribution_model,"
        f" {_sums(('spend', *_CREDIT), '_of_days')} from finance.romi_daily group by all", _BY_MODEL, "whole")),
    "months_and_orders": Frame("month", _beside(
        f"""select {_BY_MODEL}, {_sums(_CREDIT)} from finance.romi_monthly group by all
            having sum(conversions) != 0 or sum(revenue) != 0 or sum(refunds) != 0 or sum(cogs) != 0""",
        f"""select region, month, attribution_model, sum(orders)::double as orders, {_sums(_CREDIT[1:], "_of_orders")}
            from (select *, date_trunc('month', date)::date as month from finance.orders_daily)
            join (select distinct {_BY_MODEL} from finance.romi_monthly) using (region, month) group by all""",
        _BY_MODEL, "whole")),
    "segments_and_months": Frame("month", _beside(
        f"""select {_BY_MODEL}, {_sums(_CREDIT)} from finance.romi_by_segment group by all
            having sum(conversions) != 0""",
        f"""select {_BY_MODEL}, {_sums(_CREDIT, "_of_months")} from finance.romi_monthly group by all
            having sum(conversions) != 0""", _BY_MODEL, "whole")),
    "currencies_and_orders": Frame("month", _beside(
        f"select region, month, {_sums(_SOLD)} from finance.orders_by_currency group by all",
        f"""select region, date_trunc('month', date)::date as month, {_sums(_SOLD, "_of_days")}
            from finance.orders_daily semi join (from finance.orders_by_currency) using (region) group by all""",
        "region, month", "whole")),
    "days_and_costs": Frame("date", _beside(
        f"""select region, date, attribution_model, {_sums(_COST)} from finance.romi_daily group by all
            having sum(spend) != 0 or sum(impressions) != 0 or sum(clicks) != 0""",
        f"""select spend_daily.region, date, attribution_model, {_sums(_COST, "_of_platforms")}
            from finance.spend_daily join (select distinct region, date, attribution_model from finance.romi_daily)
                using (region, date) group by all
            having sum(spend) != 0 or sum(impressions) != 0 or sum(clicks) != 0""",
        "region, date, attribution_model", "changed")),
}  # fmt: skip


@contextmanager
def opened(folder: Path, before: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The built version, with what differs from the version in `before` as the tables `changed` and `whole`.

    `whole` leaves out months with days that are held back: those show rows of two rebuilds.
    """
    con = duckdb.connect()
    try:
        con.execute("set enable_progress_bar = false")
        con.execute(f"attach {_quoted(folder)} as built (read_only)")
        if before:
            con.execute(f"attach {_quoted(before)} as last_good (read_only)")
        con.execute("use built")
        queries = [_changed(con, table, period, has_last=before is not None) for table, period in _TABLES.items()]
        con.execute(f"create temp table changed as {' union '.join(queries)}")
        con.execute("create temp table held_back (region varchar, day date)")
        if held := _held_back(folder):
            con.executemany("insert into held_back values (?, ?)", held)
        con.execute("""create temp table whole as from changed anti join held_back
            on held_back.region = changed.region and date_trunc('month', held_back.day) = changed.month""")
        yield con
    finally:
        con.close()


def _changed(con: duckdb.DuckDBPyConnection, table: str, period: str, *, has_last: bool) -> str:
    """The regions and months with rows on one side only; that a day became final, or a month ended, is no news."""
    of_month = f"select distinct region, date_trunc('month', {period})::date as month"
    columns = _columns(con, "built", table)
    if not has_last or not set(columns) <= set(_columns(con, "last_good", table)):
        return f"{of_month} from finance.{table}"
    listed = ", ".join(f'"{one}"' for one in columns if one not in ("is_final", "is_partial"))
    sides = [f"select {listed} from {place}.finance.{table}" for place in ("built", "last_good")]
    return f"""{of_month} from (
        ({sides[0]} except all {sides[1]}) union all ({sides[1]} except all {sides[0]}))"""


def _columns(con: duckdb.DuckDBPyConnection, database: str, table: str) -> list[str]:
    query = """select column_name from duckdb_columns()
        where database_name = ? and schema_name = 'finance' and table_name = ? order by column_index"""
    return [name for (name,) in con.execute(query, [database, table]).fetchall()]


def _held_back(folder: Path) -> list[tuple[Any, Any]]:
    regions = json.loads((folder / "manifest.json").read_text())["regions"]
    return [(region, day) for region, state in regions.items() for day in state["withheld_days"]]


def _quoted(folder: Path) -> str:
    return "'" + str(folder / "marts.duckdb").replace("'", "''") + "'"
