"""The audit before the swap: the built file is opened anew and has to hold what finance relies on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from operations.finance_tables.published_tables import FINANCE, PUBLISHED, Columns, Table, columns_of, in_sql

_MEASURES = ("revenue", "refunds", "cogs")
# By what each model credits there, against the orders; a day with orders and no row of any model has lost them all.
_NOT_CONSERVED = f"""
    with orders as (from finance.orders_daily),
    credited as (
        select date, region, attribution_model, sum(conversions) as orders,
            {", ".join(f"sum({one}) as {one}" for one in _MEASURES)}
        from finance.romi_daily group by all
    )
    select distinct region, date from credited full join orders using (date, region)
    where {" or ".join(f"coalesce(credited.{one}, 0) != coalesce(orders.{one}, 0)" for one in (*_MEASURES, "orders"))}
        or attribution_model is null
    order by all
"""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a built version; with a place, it is wrong with that day or month of that region alone."""

    words: str
    table: Table | None = None
    region: str | None = None
    period: date | None = None

    def __str__(self) -> str:
        return f"{self.words} ({self.region} {self.period})" if self.table else self.words


def audit(folder: Path) -> list[Finding]:
    """What is wrong with the version built in `folder`; an empty list lets it be published."""
    con = duckdb.connect(str(folder / "marts.duckdb"), read_only=True)
    try:
        found = columns_of(con, "marts")
        if findings := [one for table in PUBLISHED if (one := _off_contract(table, found))]:
            return findings
        findings = [one for table in PUBLISHED for one in _broken_rows(con, table, folder)]
        words = "finance.romi_daily does not add up to finance.orders_daily"
        return findings + [Finding(words, FINANCE[0], *place) for place in con.execute(_NOT_CONSERVED).fetchall()]
    finally:
        con.close()


def _off_contract(table: Table, found: Columns) -> Finding | None:
    columns = list(found.get(str(table), {}).items())
    if columns == list(table.columns.items()):
        return None
    return Finding(f"{table} has columns {columns}, its contract says {list(table.columns.items())}")


def _broken_rows(con: duckdb.DuckDBPyConnection, table: Table, folder: Path) -> Iterator[Finding]:
    parquet = str(folder / "parquet" / table.schema / f"{table.name}.parquet")
    rows, copied, of_others = con.execute(
        f"""select (select count(*) from {table}), (select count(*) from read_parquet(?)),
            {_of_unknown_regions(table)}""",
        [parquet],
    ).fetchall()[0]
    if rows != copied:
        yield Finding(f"{table} has {rows} rows, its Parquet file {copied}")
    if of_others:
        yield Finding(f"{table} has {of_others} rows of regions that meta.versions does not know")
    grain = in_sql(table.grain)
    has_place = table in FINANCE and table.period
    place = f"region, {table.period}" if has_place else "null, null"
    is_null = " or ".join(f"{in_sql([one])} is null" for one in table.grain)
    for words, query in (
        (f"{table} has cells twice; its grain is {grain}",
         f"select {place} from (select {grain}, {place} from {table} group by all having count(*) > 1)"),
        (f"{table} has rows without {grain}", f"select {place} from {table} where {is_null}"),
    ):  # fmt: skip
        for region, period in con.execute(f"select distinct * from ({query}) order by all").fetchall():
            yield Finding(words, table, region, period) if region and period else Finding(words)


def _of_unknown_regions(table: Table) -> str:
    """How many rows there are of regions that the version does not have; a closed month keeps those it has locked."""
    if table not in FINANCE:
        return "0"
    closed = f"where date_trunc('month', {table.period}) not in (select month from meta.closed_months)"
    return f"(select count(*) from {table} anti join meta.versions using (region) {closed if table.period else ''})"
