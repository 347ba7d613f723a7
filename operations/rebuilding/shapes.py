"""The columns of a region's tables, and those that the models fill: a change of them is made, or stops the build."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import duckdb

from ingestion.books import meta, region_file
from operations.rebuilding.engine import Graph, ModelError, engine_of, manifest
from operations.rebuilding.engine.digests import state
from settings import PermanentError, Settings, TransientError

_COLUMNS = """
    select table_name, column_name, data_type from duckdb_columns()
    where database_name = current_database() and schema_name in ('staging', 'intermediate', 'finance')
    order by table_name, column_index"""


class ShapeError(PermanentError):
    """A model no longer fits the table that holds its rows of other days, in `region`: it needs a migration."""

    def __init__(self, region: str, problem: str) -> None:
        self.region = region
        super().__init__(f"{region}: {problem}: that needs a migration of the region's file, so nothing is built")


def undeployable(settings: Settings, regions: list[str]) -> list[str]:
    """What stands against building regions as the models are now, a sentence for each of these regions."""
    found = []
    for region in regions:
        if settings.region_file(region).exists():
            # One that cannot be opened holds back no other: its load says what is wrong with it.
            with suppress(TransientError), region_file(settings, region, read_only=True) as con:
                if (meta(con, "rules") or "") == state(settings, region) or not shapes_of(con):
                    continue
                try:
                    problem = _problem(con, settings)
                except ModelError as error:
                    return [str(error)]
                if problem:
                    found.append(str(ShapeError(region, problem)))
    return found


def fit_shapes(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> None:
    """Add the columns that models fill and tables lack, empty for the rebuild to fill them.

    What no rebuild touches, such as rows of final days where a model keeps them, stays empty in it.

    Raises:
        ShapeError: a model lacks a column that its table has, or gives it another type.
    """
    if problem := _problem(con, settings):
        raise ShapeError(region, problem)
    for table, column, kind in _missing(con, settings):
        schema = con.execute("select schema_name from duckdb_tables() where table_name = ?", [table]).fetchall()[0][0]
        con.execute(f'alter table {schema}.{table} add column "{column}" {kind}')


def _problem(con: duckdb.DuckDBPyConnection, settings: Settings) -> str | None:
    """The first column that a table would have to lose, or turn into another type."""
    there = shapes_of(con)
    for table, columns in _wanted(settings).items():
        for column, kind in there.get(table, {}).items():
            if column not in columns:
                return f"model {table} has no column {column} any more, which its table holds"
            if columns[column] != kind:
                return f"model {table} gives column {column} the type {columns[column]}, and its table has {kind}"
    return None


def _missing(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[tuple[str, str, str]]:
    there = shapes_of(con)
    for table, columns in _wanted(settings).items():
        if table in there:
            yield from ((table, column, kind) for column, kind in columns.items() if column not in there[table])


def shapes_of(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The columns of each table that models fill, with their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(_COLUMNS).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _wanted(settings: Settings) -> dict[str, dict[str, str]]:
    """Of the tables that carry rows on from one build to the next; the others are made anew."""
    carrying = Graph.of(manifest()).carrying
    return {table: columns for table, columns in engine_of(settings).shapes().items() if table in carrying}
