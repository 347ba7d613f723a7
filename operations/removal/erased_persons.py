"""Whose rows of a region's file have a tombstone, named in temporary tables, and how many such rows are left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import polars as pl

from privacy.pseudonyms import Kind
from privacy.suppression import Suppression

# Columns that hold pseudonyms of persons, wherever they stand, and which kinds they may be of.
COLUMNS: dict[str, tuple[Kind, ...]] = {
    "user_id": ("user",), "anonymous_id": ("anonymous",), "person_id": ("user", "anonymous"),
}  # fmt: skip
# A row of events of somebody who is erased: by an id, or by the time in which a shared device was theirs.
IS_ERASED = """(
    user_id in (select id from erased_ids) or anonymous_id in (select id from erased_ids)
    or (user_id is null and exists (
        from erased_spans where id = anonymous_id and occurred_at >= valid_from and occurred_at < valid_to)))"""


def rows_left(con: duckdb.DuckDBPyConnection) -> int:
    """How many rows are of persons that :func:`list_erased` found."""
    ids = "select id from erased_ids"
    conditions = [
        (schema, table, column) for schema, table, column in person_columns(con) if (schema, table) != ("raw", "events")
    ]  # fmt: skip
    counts = [f"select count(*) as n from {s}.{t} where {c} in ({ids})" for s, t, c in conditions]
    counts.append(f"select count(*) as n from raw.events where {IS_ERASED}")
    return con.execute(f"select sum(n)::bigint from ({' union all '.join(counts)})").fetchall()[0][0]


def list_erased(con: duckdb.DuckDBPyConnection, suppression: Suppression, rotations: Sequence[bytes]) -> None:
    """Which pseudonyms of the file have tombstones: ``erased_ids``, and ``erased_spans`` of shared devices."""
    ids: set[str] = set()
    spans = []
    for schema, table, column in person_columns(con):
        query = f"select distinct {column}::varchar as id from {schema}.{table} where {column} is not null"
        values = con.execute(query).pl()["id"].str.replace_all("-", "")
        for kind in COLUMNS[column]:
            for value, stones in suppression.erased(kind, values, rotations).items():
                if any(stone.is_whole for stone in stones):
                    ids.add(value)
                elif kind == "anonymous":
                    spans += [(value, *stone.span) for stone in stones]
    con.execute("create or replace temp table erased_ids (id uuid primary key)")
    con.execute("create or replace temp table erased_spans (id uuid, valid_from timestamp, valid_to timestamp)")
    con.execute("insert into erased_ids select unnest($ids::uuid[])", {"ids": sorted(ids)})
    columns: dict[str, Any] = {"id": pl.String, "valid_from": pl.Datetime("us"), "valid_to": pl.Datetime("us")}
    con.register("spans", pl.DataFrame(spans, schema=columns, orient="row").to_arrow())
    con.execute("insert into erased_spans select distinct * from spans")
    con.unregister("spans")


def person_columns(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Schema, table and column of every place where the file keeps a person's pseudonym."""
    return con.execute(
        """select schema_name, table_name, column_name
        from duckdb_columns() join duckdb_tables() using (database_name, schema_name, table_name)
        where column_name in ('user_id', 'anonymous_id', 'person_id') and data_type = 'UUID'
            and database_name = current_database() and not duckdb_tables.temporary
        order by all""").fetchall()  # fmt: skip


def erased_orders(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Ids of the orders of persons that :func:`list_erased` found, whether or not a build has seen them.

    ``erased_events`` must hold their events.
    """
    queries = ["""select order_id from erased_events
        where order_id is not null and event not in ('Order Refunded', 'Order Cancelled')"""]  # fmt: skip
    if ("intermediate", "int_orders__conversions", "person_id") in person_columns(con):
        conversions = "intermediate.int_orders__conversions"
        queries.append(f"select order_id from {conversions} where person_id in (select id from erased_ids)")
        queries.append(f"""
            select order_id from {conversions} join raw.events using (order_id)
            where event not in ('Order Refunded', 'Order Cancelled') and {IS_ERASED}""")
    return [row[0] for row in con.execute(" union ".join(queries)).fetchall()]
