"""Everything a region's file holds about a person, table by table, as plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from operations.removal.dead_persons import Keys, letters_naming, quotes_of
from operations.removal.erased_persons import person_columns
from operations.rights.persons import Person
from privacy.keys import region_key
from settings import Settings

_ORDERS = "intermediate.int_orders__conversions"
# What belongs to an order, and through it to the person.
_OF_ORDERS = ("raw.ledger_orders", "intermediate.int_attribution__touch_credits")
Rows = list[dict[str, Any]]


def everything(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, person: Person, texts: Sequence[str]
) -> dict[str, Rows]:
    """Rows by table; tables without any are left out. Pseudonyms stand as they are kept, dead letters opened."""
    con.execute(
        "create or replace temp table asked_ids as select unnest($ids::uuid[]) as id", {"ids": sorted(person.all)}
    )
    con.execute("create or replace temp table asked_spans (id uuid, valid_from timestamp, valid_to timestamp)")
    for device, spans in person.shared.items():
        con.executemany("insert into asked_spans values (?::uuid, ?, ?)", [[device, *span] for span in spans])
    on_shared_devices = """user_id is null and exists (
        from asked_spans where id = anonymous_id and occurred_at >= valid_from and occurred_at < valid_to)"""
    wheres: dict[str, list[str]] = {"raw.events": [on_shared_devices]}
    for schema, table, column in person_columns(con):
        wheres.setdefault(f"{schema}.{table}", []).append(f"{column} in (select id from asked_ids)")
    found = {table: _rows(con, f"from {table} where {' or '.join(where)}") for table, where in wheres.items()}
    orders = [row["order_id"] for table in ("raw.events", _ORDERS) for row in found.get(table, []) if row["order_id"]]
    for table in _OF_ORDERS:
        if _exists(con, table):
            found[table] = _rows(con, f"from {table} where list_contains($orders, order_id)", orders=orders)
    pseudonym_key = region_key(settings.warehouse, region, "pseudonym", make=False)
    keys = Keys(region_key(settings.warehouse, region, "seal", make=False), pseudonym_key)
    (found["ops.dead_letters"],) = letters_naming(con, settings, keys, [(person.all, quotes_of(texts))])
    return {table: rows for table, rows in sorted(found.items()) if rows}


def held_rows(con: duckdb.DuckDBPyConnection, persons: Sequence[Person]) -> list[dict[str, int]]:
    """For each person, by table, how many rows of a region's file name them; tables without any are left out."""
    con.execute("create or replace temp table sought (person integer, id uuid)")
    con.execute("create or replace temp table sought_spans (person integer, id uuid, first timestamp, last timestamp)")
    for number, person in enumerate(persons):
        con.execute("insert into sought select $n, unnest($ids::uuid[])", {"n": number, "ids": sorted(person.all)})
        for device, spans in person.shared.items():
            con.executemany(
                "insert into sought_spans values (?, ?::uuid, ?, ?)", [[number, device, *it] for it in spans]
            )
    found: list[dict[str, int]] = [{} for _ in persons]
    columns: dict[str, list[str]] = {}
    for schema, table, column in person_columns(con):
        columns.setdefault(f"{schema}.{table}", []).append(column)
    for table, names in columns.items():
        parts = [f"select person, held.rowid as row from {table} as held join sought on {name} = id" for name in names]
        if table == "raw.events":
            parts.append(f"""select person, held.rowid from {table} as held join sought_spans
                on anonymous_id = id and user_id is null and occurred_at >= first and occurred_at < last""")
        query = f"select person, count(distinct row) from ({' union all '.join(parts)}) group by person"
        for number, count in con.execute(query).fetchall():
            found[number][table] = count
    return found


def _rows(con: duckdb.DuckDBPyConnection, query: str, **parameters: Any) -> Rows:
    result = con.execute(f"{query} order by all", parameters)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _exists(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = "select count(*) from duckdb_tables() where schema_name = ? and table_name = ?"
    return con.execute(query, table.split(".")).fetchall() == [(1,)]
