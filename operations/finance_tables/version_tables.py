"""The tables of a version being built: made, filled by region, compared with the current ones, copied to Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from operations.finance_tables.published_tables import PUBLISHED, VERSIONS, Columns, Table, columns_of, in_sql
from operations.publishing.region_marts import OF_CLOCK, RegionState, held_back
from operations.service_levels.usable import Answer
from operations.switches import unpublished_models
from settings import PermanentError, Settings


@dataclass(frozen=True)
class Source:
    """Where a region's rows come from: its file, or the current version where it is late."""

    state: RegionState | None  # None: late, and never published
    rows: dict[str, Any]
    builds: Any = None
    facts: Any = None  # Arrow table of what its service levels are measured by
    answers: tuple[Answer, ...] = ()
    late: str | None = None
    is_passing: bool = False


def attach(con: duckdb.DuckDBPyConnection, path: Path) -> Columns:
    """Attach the current version as ``last_good``; returns the columns of its tables."""
    try:
        con.execute(f"attach {quoted(path)} as last_good (read_only)")
        return columns_of(con, "last_good")
    except duckdb.Error as error:
        raise PermanentError(
            f"the published {path} cannot be read; `romi publish rollback` goes back to one that can"
        ) from error


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    for table in PUBLISHED:
        columns = ", ".join(f'"{name}" {type_}' for name, type_ in table.columns.items())
        con.execute(f"create schema if not exists {table.schema}; create table {table} ({columns})")


def fill(
    con: duckdb.DuckDBPyConnection, settings: Settings, table: Table, region: str, source: Source, last: Columns
) -> None:
    """The region's rows of one table: from its file, and from the current version what is late or held back."""
    if (rows := source.rows.get(table.name)) is not None:
        con.register("fresh", rows)
        con.execute(f"insert into {table} by name from fresh")
        con.unregister("fresh")
    # An older version may not have every column of today's contract.
    known = [name for name in last.get(str(table), ()) if name in table.columns and name not in OF_CLOCK]
    if not known or not source.state:
        return
    carried = [f"false as {name}" if name == "is_final" and not source.is_passing else in_sql([name]) for name in known]
    parameters: dict[str, Any] = {"region": region}
    if "is_final" in table.columns and "is_final" not in known:
        carried.append("false as is_final")
    if of_clock := [words for name, words in OF_CLOCK.items() if name in table.columns]:
        carried += of_clock
        parameters["running_month"] = source.state.running_month
    kept = held_back(settings, table, source.state) if table.period else []
    if source.late or kept:
        which = "true" if source.late else f"list_contains($kept::date[], {table.period})"
        if "attribution_model" in table.columns:
            off = ", ".join(f"'{name}'" for name in ("", *unpublished_models(settings, region)))
            which += f" and attribution_model not in ({off})"
        con.execute(
            f"""insert into {table} by name select {", ".join(carried)} from last_good.{table}
            where region = $region and {which}""",
            parameters | ({} if source.late else {"kept": kept}),
        )


def differs(con: duckdb.DuckDBPyConnection, table: Table, passing: list[str], last: Columns) -> bool:
    """Whether the table's rows are not those of the current version; what only names the version does not count."""
    columns = [name for name in table.columns if name not in ("version", "built_at") or table is not VERSIONS]
    if not set(columns) <= set(last.get(str(table), ())):
        return True
    # A region that a writer holds for a moment is no news.
    where = "where not list_contains($passing::varchar[], region)" if table is VERSIONS else ""
    parameters = {"passing": passing} if where else {}
    sides = [f"select {in_sql(columns)} from {place}{table} {where}" for place in ("", "last_good.")]
    counts = [con.execute(f"select count(*) from ({side})", parameters).fetchall() for side in sides]
    # Of equally many rows, those that are only on one side are matched by as many on the other.
    only_here = f"select count(*) from ({sides[0]} except all {sides[1]})"
    return counts[0] != counts[1] or con.execute(only_here, parameters).fetchall() != [(0,)]


def copy_to_parquet(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """Write each table as a file into `folder`; returns the rows of each."""
    rows = {}
    for table in PUBLISHED:
        (folder / table.schema).mkdir(parents=True, exist_ok=True)
        target = quoted(folder / table.schema / f"{table.name}.parquet")
        ordered = f"from {table} order by {in_sql(table.grain)}"
        copied = con.execute(f"copy ({ordered}) to {target} (format parquet, compression zstd)").fetchall()
        rows[str(table)] = copied[0][0]
    return rows


def quoted(path: Path) -> str:
    """The path as text in SQL."""
    return "'" + str(path).replace("'", "''") + "'"
