"""The audit before the swap: the built file is opened anew and has to hold what finance relies on."""

from __future__ import annotations

from pathlib import Path

import duckdb

from operations.publishing.published_tables import FINANCE, PUBLISHED, Columns, Table, columns_of, in_sql

_MEASURES = ("revenue", "refunds", "cogs")
# By what each model credits there, against the orders; a day with orders and no row of any model has lost them all.
_NOT_CONSERVED = f"""
    with orders as (from finance.orders_daily),
    credited as (
        select date, region, attribution_model, sum(conversions) as orders,
            {", ".join(f"sum({one}) as {one}" for one in _MEASURES)}
        from finance.romi_daily group by all
    )
    select count(*) from credited full join orders using (date, region)
    where {" or ".join(f"coalesce(credited.{one}, 0) != coalesce(orders.{one}, 0)" for one in (*_MEASURES, "orders"))}
        or attribution_model is null
"""


def audit(folder: Path) -> list[str]:
    """What is wrong with the version built in `folder`; an empty list lets it be published."""
    con = duckdb.connect(str(folder / "marts.duckdb"), read_only=True)
    try:
        found = columns_of(con, "marts")
        if findings := [one for table in PUBLISHED if (one := _off_contract(table, found))]:
            return findings
        findings = [one for table in PUBLISHED for one in _broken_rows(con, table, folder)]
        if days := con.execute(_NOT_CONSERVED).fetchall()[0][0]:
            findings.append(f"finance.romi_daily does not add up to finance.orders_daily for {days} days and models")
        return findings
    finally:
        con.close()


def _off_contract(table: Table, found: Columns) -> str | None:
    columns = list(found.get(str(table), {}).items())
    if columns == list(table.columns.items()):
        return None
    return f"{table} has columns {columns}, its contract says {list(table.columns.items())}"


def _broken_rows(con: duckdb.DuckDBPyConnection, table: Table, folder: Path) -> list[str]:
    grain = in_sql(table.grain)
    unknown = f"(select count(*) from {table} anti join meta.versions using (region))" if table in FINANCE else "0"
    twice, without, rows, copied, of_others = con.execute(
        f"""select
            (select count(*) from (select {grain} from {table} group by all having count(*) > 1)),
            (select count(*) from {table} where {" or ".join(f"{in_sql([one])} is null" for one in table.grain)}),
            (select count(*) from {table}),
            (select count(*) from read_parquet(?)),
            {unknown}""",
        [str(folder / "parquet" / table.schema / f"{table.name}.parquet")],
    ).fetchall()[0]
    findings = {
        f"{table} has {twice} cells twice; its grain is {grain}": twice,
        f"{table} has {without} rows without {grain}": without,
        f"{table} has {rows} rows, its Parquet file {copied}": rows != copied,
        f"{table} has {of_others} rows of regions that meta.versions does not know": of_others,
    }
    return [finding for finding, is_so in findings.items() if is_so]
