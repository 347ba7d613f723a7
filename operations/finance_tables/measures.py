"""What a finance table holds of each of its days or months, to be shown beside a build or a version: rows and money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from operations.finance_tables.published_tables import FINANCE, Table

_SHOWN = ("spend", "orders", "revenue", "net_revenue", "margin")
_MODEL = "linear"  # every model hands out the same whole
_HEADER = "| {period} | region | spend | orders | net revenue | margin |\n| --- | --- | ---: | ---: | ---: | ---: |"


@dataclass(frozen=True)
class Measures:
    """Rows of one period, and totals of those measures that the table has."""

    rows: int
    totals: dict[str, int | Decimal]


def measures(con: duckdb.DuckDBPyConnection, table: str, first: date, last: date) -> dict[date, Measures]:
    """Of each day from `first` to `last`, or of each month that has one of them, by the day on which it begins.

    Args:
        con: a region's file, or a published one.
        table: the name of a finance table; empty for one that has neither days nor months.
    """
    known = next((one for one in FINANCE if one.name == table), None)
    if known is None or known.period is None:
        return {}
    names = [name for name in _SHOWN if name in known.columns]
    has_models = "attribution_model" in known.columns
    totals = ", ".join(_total(name, has_models=has_models) for name in names)
    found = con.execute(
        f"""select {known.period}, count(*){", " * bool(totals)}{totals} from {known}
        where {known.period} between {_begin(known)} and $last group by all order by all""",
        {"first": first, "last": last},
    ).fetchall()
    return {day: Measures(rows, dict(zip(names, values, strict=True))) for day, rows, *values in found}


def of_day(found: dict[date, Measures], day: date) -> Measures | None:
    """What belongs to a day: its own, or that of its month."""
    return found.get(day) or found.get(day.replace(day=1))


def last_days_in_words(con: duckdb.DuckDBPyConnection, days: int = 7) -> str:
    """The last published days of each region as a table in Markdown, the youngest first."""
    rows = con.execute(
        """select date, region, coalesce(spend, 0), orders, net_revenue, margin from finance.orders_daily
        left join (select date, region, sum(spend) as spend from finance.spend_daily group by all) using (date, region)
        where date > (select max(date) - $days::integer from finance.orders_daily) order by date desc, region""",
        {"days": days},
    ).fetchall()
    lines = [f"| {day} | {region} | {spend:,} | {orders:,} | {net:,} | {margin:,} |"
             for day, region, spend, orders, net, margin in rows]  # fmt: skip
    return "\n".join([_HEADER.format(period="date"), *lines])


def _total(name: str, *, has_models: bool) -> str:
    of_one = f" filter (where attribution_model = '{_MODEL}')" if has_models else ""
    return f'coalesce(sum("{name}"){of_one}, 0) as "{name}"'


def _begin(table: Table) -> str:
    return "date_trunc('month', $first::date)" if table.period == "month" else "$first"
