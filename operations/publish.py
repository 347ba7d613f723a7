"""Write, audit, publish: a new version is built beside the current one, audited, then swapped in by a rename."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ingestion.books import write_json
from ingestion.records import naive_utc
from operations.published_tables import COLUMNS, FINANCE, PUBLISHED, VERSIONS, Table, dictionary, in_sql
from operations.region_marts import Reading, RegionLateError, RegionState, held_back, read_region
from operations.released_marts import released_state, write_released
from operations.restatements import book_restatements
from operations.version_audit import audit
from operations.versions import (
    MANIFEST,
    current_version,
    pinned_version,
    put_in_place,
    read_manifest,
    remove_leftovers,
    version_dir,
    version_ids,
    work_dir,
)
from settings import PermanentError, Settings, now

# What the regions' files were when they last came out as the current version does, though rebuilt since.
_SEEN = "seen.json"


@dataclass(frozen=True)
class Publication:
    """A version that has just become the current one."""

    version: int
    folder: Path
    rows: dict[str, int]
    regions: dict[str, RegionState]
    late: dict[str, str]  # regions shown by their last good rows, if they had any, and why


@dataclass(frozen=True)
class _Source:
    """Where a region's rows come from: its file, or the current version where it is late."""

    state: RegionState | None  # None: late, and never published
    rows: dict[str, Any]
    builds: Any = None
    late: str | None = None
    is_passing: bool = False


def publish(settings: Settings, *, clock: Callable[[], datetime] = now) -> Publication | None:
    """Publish what the regions' files hold, if it differs from what is published. The caller holds the warehouse.

    A region is published as long as it is configured or has a file: taking it out of the configuration alone keeps
    its rows, so that no slip of the pen removes them. A region whose file cannot be read, and a day that is withheld
    or waits for its rebuild, keep the rows of the current version.

    Returns:
        None where nothing differs, and while a version is pinned (see :func:`operations.versions.pinned_version`).

    Raises:
        PermanentError: the audit refused the new version, or the current one cannot be read; nothing was swapped.
    """
    if pinned_version(settings) is not None:
        return None
    remove_leftovers(settings)
    current = current_version(settings)
    last = read_manifest(settings, current) if current else {"regions": {}}
    if last.get("currency", settings.reporting_currency) != settings.reporting_currency:
        current, last = None, {"regions": {}}  # nothing can be carried over, nor compared
    surveyed = {region: _source(settings, region, last, with_rows=False) for region in _regions(settings, last)}
    if not any(source.state for source in surveyed.values()) or _is_known(settings, current, last, surveyed):
        return None
    sources = {
        region: source if source.late else _source(settings, region, last, with_rows=True)
        for region, source in surveyed.items()
    }
    return _swap_in(settings, naive_utc(clock()), current, sources)


def _swap_in(
    settings: Settings, built_at: datetime, current: int | None, sources: dict[str, _Source]
) -> Publication | None:
    version = max([*version_ids(settings), current or 0]) + 1
    folder = work_dir(settings, version)
    try:
        rows = _build(settings, version, built_at, current, sources)
        if rows is None:
            write_json(settings.versions_dir / _SEEN, {"version": current, **_fingerprint(settings, sources)})
            return None
        if findings := audit(folder):
            raise PermanentError(f"version {version} failed its audit and was not published: {'; '.join(findings)}")
        put_in_place(settings, version)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    states = {region: source.state for region, source in sources.items() if source.state}
    late = {region: source.late for region, source in sources.items() if source.late}
    return Publication(version, version_dir(settings, version), rows, states, late)


def _regions(settings: Settings, last: dict[str, Any]) -> list[str]:
    files = {path.stem for path in settings.regions_dir.glob("*.duckdb")}
    published = last["regions"] if settings.regions is None else set(last["regions"]) & set(settings.regions)
    return sorted(files | set(settings.known_regions()) | set(published))


def _source(settings: Settings, region: str, last: dict[str, Any], *, with_rows: bool) -> _Source:
    try:
        reading: Reading = read_region(settings, region, with_rows=with_rows)
    except RegionLateError as error:
        known = last["regions"].get(region)
        state = RegionState(**{**known, "carried_over": True}) if known else None
        # A writer is done in a moment; a file that is gone or broken says nothing final until it is back.
        if state and not error.is_passing:
            state = replace(state, final_through=None)
        return _Source(state, {}, late=error.reason, is_passing=error.is_passing)
    return _Source(reading.state, reading.rows, reading.builds)


def _fingerprint(settings: Settings, sources: dict[str, _Source]) -> dict[str, Any]:
    contract = [[str(table), list(table.columns.items())] for table in PUBLISHED]
    return {
        "contract": hashlib.sha256(json.dumps([contract, dictionary()]).encode()).hexdigest(),
        "regions": {region: asdict(source.state) for region, source in sources.items() if source.state},
        "currency": settings.reporting_currency,
        "released": released_state(settings),
    }


def _is_known(settings: Settings, current: int | None, last: dict[str, Any], sources: dict[str, _Source]) -> bool:
    """Whether the regions' files stand as they did when they last came out as the current version."""
    seen = settings.versions_dir / _SEEN
    known = json.loads(seen.read_text()) if seen.is_file() else {}
    known = known if known.get("version") == current else last
    found = _fingerprint(settings, sources)
    for region, source in sources.items():
        if source.is_passing and source.state:
            found["regions"][region] = known["regions"].get(region)
    return current is not None and all(found[key] == known.get(key) for key in found)


def _build(
    settings: Settings, version: int, built_at: datetime, current: int | None, sources: dict[str, _Source]
) -> dict[str, int] | None:
    """Write the version's files into its work folder; None where its content is that of the current one."""
    folder = work_dir(settings, version)
    folder.mkdir(parents=True)
    con = duckdb.connect(str(folder / "marts.duckdb"))
    try:
        if current:
            _attach(con, version_dir(settings, current) / "marts.duckdb")
        _create(con)
        for region, source in sources.items():
            if source.state:
                for table in FINANCE:
                    _fill(con, settings, table, region, source, has_last=current is not None)
                con.execute(
                    "insert into meta.versions values (?, ?, ?, ?, ?, ?)",
                    [version, built_at, region, source.state.input_watermark, len(source.state.withheld_days),
                     source.state.carried_over],
                )  # fmt: skip
        described = pl.DataFrame(dictionary(), schema=list(COLUMNS.columns), orient="row").to_arrow()
        con.register("described", described)
        con.execute("insert into meta.columns by name from described")
        passing = [region for region, source in sources.items() if source.is_passing]
        if current:
            _book_restatements(con, settings, version, current, sources)
        is_released = current and read_manifest(settings, current).get("released") == released_state(settings)
        if is_released and not any(_differs(con, table, passing) for table in (*reversed(FINANCE), VERSIONS, COLUMNS)):
            return None
        _copy_to_parquet(con, folder / "parquet")
        rows = {str(table): con.execute(f"select count(*) from {table}").fetchall()[0][0] for table in PUBLISHED}
        rows |= write_released(folder, settings, version, built_at)
    finally:
        con.close()
    manifest = {"version": version, "built_at": built_at.isoformat(), **_fingerprint(settings, sources)}
    write_json(folder / MANIFEST, manifest)
    return rows


def _book_restatements(
    con: duckdb.DuckDBPyConnection, settings: Settings, version: int, current: int, sources: dict[str, _Source]
) -> None:
    con.execute("create temp table builds (region varchar, day date, build bigint, rebuilt_for varchar)")
    for region, source in sources.items():
        if source.builds is not None:
            con.register("fresh", source.builds)
            con.execute("insert into builds by name select $region as region, * from fresh", {"region": region})
            con.unregister("fresh")
    regions = read_manifest(settings, current)["regions"]
    shown = {region: state["build"] for region, state in regions.items()}
    book_restatements(con, version, shown, settings.attribution.longest_lookback_days)


def _attach(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        con.execute(f"attach {_quoted(path)} as last_good (read_only)")
    except duckdb.Error as error:
        raise PermanentError(
            f"the published {path} cannot be read; `romi publish rollback` goes back to one that can"
        ) from error


def _copy_to_parquet(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for table in PUBLISHED:
        (folder / table.schema).mkdir(parents=True, exist_ok=True)
        target = _quoted(folder / table.schema / f"{table.name}.parquet")
        ordered = f"from {table} order by {in_sql(table.grain)}"
        con.execute(f"copy ({ordered}) to {target} (format parquet, compression zstd)")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _create(con: duckdb.DuckDBPyConnection) -> None:
    for table in PUBLISHED:
        columns = ", ".join(f'"{name}" {type_}' for name, type_ in table.columns.items())
        con.execute(f"create schema if not exists {table.schema}; create table {table} ({columns})")


def _fill(
    con: duckdb.DuckDBPyConnection, settings: Settings, table: Table, region: str, source: _Source, *, has_last: bool
) -> None:
    """The region's rows of one table: from its file, and from the current version what is late or held back."""
    if (rows := source.rows.get(table.name)) is not None:
        con.register("fresh", rows)
        con.execute(f"insert into {table} by name from fresh")
        con.unregister("fresh")
    if not has_last or not source.state:
        return
    # An older version may not have every column of today's contract.
    carried = [
        f"false as {name}" if name == "is_final" and not source.is_passing else in_sql([name])
        for name in _common(con, table)
    ]
    if carried and (source.late or table.period):
        which = "true" if source.late else f"list_contains($held_back::date[], {table.period})"
        con.execute(
            f"""insert into {table} by name select {", ".join(carried)} from last_good.{table}
            where region = $region and {which}""",
            {"region": region} | ({} if source.late else {"held_back": held_back(settings, table, source.state)}),
        )


def _common(con: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    query = """select column_name from duckdb_columns()
        where database_name = 'last_good' and schema_name = ? and table_name = ? order by column_index"""
    return [name for (name,) in con.execute(query, [table.schema, table.name]).fetchall() if name in table.columns]


def _differs(con: duckdb.DuckDBPyConnection, table: Table, passing: list[str]) -> bool:
    """Whether the table's rows are not those of the current version; what only names the version does not count."""
    columns = [name for name in table.columns if name not in ("version", "built_at") or table is not VERSIONS]
    if not set(columns) <= set(_common(con, table)):
        return True
    # A region that a writer holds for a moment is no news.
    where = "where not list_contains($passing::varchar[], region)" if table is VERSIONS else ""
    parameters = {"passing": passing} if where else {}
    sides = [f"select {in_sql(columns)} from {place}{table} {where}" for place in ("", "last_good.")]
    counts = [con.execute(f"select count(*) from ({side})", parameters).fetchall() for side in sides]
    # Of equally many rows, those that are only on one side are matched by as many on the other.
    only_here = f"select count(*) from ({sides[0]} except all {sides[1]})"
    return counts[0] != counts[1] or con.execute(only_here, parameters).fetchall() != [(0,)]
