"""The audit before the swap: the built file is opened anew and has to hold what finance relies on."""

from __future__ import annotations

from pathlib import Path

import duckdb

from operations.publishing.published_tables import FINANCE, PUBLISHED, Table, in_sql

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
        if findings := [one for table in PUBLISHED if (one := _off_contract(con, table))]:
            return findings
        findings = [one for table in PUBLISHED for one in _broken_rows(con, table, folder)]
        if days := _count(con, _NOT_CONSERVED):
            findings.append(f"finance.romi_daily does not add up to finance.orders_daily for {days} days and models")
        for table in FINANCE:
            if rows := _count(con, f"select count(*) from {table} anti join meta.versions using (region)"):
                findings.append(f"{table} has {rows} rows of regions that meta.versions does not know")
        return findings
    finally:
        con.close()


def _off_contract(con: duckdb.DuckDBPyConnection, table: Table) -> str | None:
    found = con.execute(
        """select column_name, data_type from duckdb_columns()
        where schema_name = ? and table_name = ? order by column_index""",
        [table.schema, table.name],
    ).fetchall()
    if found == list(table.columns.items()):
        return None
    return f"{table} has columns {found}, its contract says {list(table.columns.items())}"


def _broken_rows(con: duckdb.DuckDBPyConnection, table: Table, folder: Path) -> list[str]:
    findings = []
    grain = in_sql(table.grain)
    if cells := _count(con, f"select count(*) from (select {grain} from {table} group by all having count(*) > 1)"):
        findings.append(f"{table} has {cells} cells twice; its grain is {grain}")
    if rows := _count(
        con, f"select count(*) from {table} where {' or '.join(f'{in_sql([one])} is null' for one in table.grain)}"
    ):
        findings.append(f"{table} has {rows} rows without {grain}")
    parquet = str(folder / "parquet" / table.schema / f"{table.name}.parquet")
    rows, copied = (
        _count(con, f"select count(*) from {table}"),
        _count(con, "select count(*) from read_parquet(?)", parquet),
    )
    if rows != copied:
        findings.append(f"{table} has {rows} rows, its Parquet file {copied}")
    return findings


def _count(con: duckdb.DuckDBPyConnection, query: str, *parameters: str) -> int:
    return con.execute(query, list(parameters)).fetchall()[0][0]
