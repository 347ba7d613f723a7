"""Tables between a region's file and Spark, as Parquet files: the same rows, in types that either knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from settings import PermanentError

# What Spark has no type for, and what stands for it there.
_STAND_INS = {"UUID": "VARCHAR", "HUGEINT": "DECIMAL(38,0)", "UBIGINT": "DECIMAL(20,0)", "UINTEGER": "BIGINT"}
_TYPE = re.compile(r"\b(" + "|".join(_STAND_INS) + r")\b")
_SCHEMAS = ("raw", "ops", "staging", "intermediate", "finance")


def columns_of(con: duckdb.DuckDBPyConnection, database: str) -> dict[tuple[str, str], dict[str, str]]:
    """The columns of the tables in a database, with their types, by (schema, table)."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    rows = con.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns()"
        " where database_name = ? and schema_name in (select unnest(?)) order by table_oid, column_index",
        [database, list(_SCHEMAS)],
    )
    for schema, table, column, kind in rows.fetchall():
        found.setdefault((schema, table), {})[column] = kind
    return found


def write(con: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, str], file: Path) -> None:
    """Write a relation's columns as a Parquet file that Spark reads."""
    file.parent.mkdir(parents=True, exist_ok=True)
    told = ", ".join(_cast(name, _TYPE.sub(lambda kind: _STAND_INS[kind[1]], kind)) for name, kind in columns.items())
    con.execute(f"copy (select {told} from {relation}) to '{_quoted(file)}' (format parquet)")


def take(spark: Any, schema: str, table: str, file: Path) -> None:
    """Make a written file a table of Spark's."""
    spark.sql(f"create schema if not exists {schema}")
    spark.sql(f"create table {schema}.{table} using parquet location '{file.parent.as_uri()}'")


def rows(spark: Any, schema: str, table: str) -> str:
    """A Spark table as a relation of DuckDB's, which reads its files itself."""
    described = spark.sql(f"describe extended {schema}.{table}").collect()
    place = next(str(row["data_type"]) for row in described if row["col_name"] == "Location")
    folder = place.removeprefix("file:")
    return f"read_parquet('{_quoted(Path('/' + folder.lstrip('/')))}/*.parquet')"


def columns_read(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The columns of a relation, with their types."""
    return {name: kind for name, kind, *_ in con.execute(f"describe select * from {relation}").fetchall()}


def put(con: duckdb.DuckDBPyConnection, place: str, columns: dict[str, str], relation: str) -> None:
    """Have a table hold the rows of a relation, and no others, in the types of its columns.

    Raises:
        PermanentError: the relation lacks a column of the table, or has one more.
    """
    if differing := set(columns) ^ set(columns_read(con, relation)):
        raise PermanentError(f"Spark built {place} with other columns: {', '.join(sorted(differing))}")
    con.execute(f"delete from {place}")
    told = ", ".join(_cast(name, kind) for name, kind in columns.items())
    con.execute(f"insert into {place} by name select {told} from {relation}")


def identifiers(shapes: Iterable[dict[str, str]]) -> frozenset[str]:
    """The columns that are UUIDs wherever they stand: in tables of a build alone, too, whose types no file keeps."""
    kinds: dict[str, set[str]] = {}
    for columns in shapes:
        for name, kind in columns.items():
            kinds.setdefault(name, set()).add(kind)
    return frozenset(name for name, kind in kinds.items() if kind == {"UUID"})


def _cast(column: str, kind: str) -> str:
    return f'cast("{column}" as {kind}) as "{column}"'


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
