"""`romi audit`: the running warehouse against the register of processing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import duckdb

from ingestion.books import region_file
from operations.backups.backup_places import is_cut_in_two, leftovers, moved_away
from operations.register.processing import PUBLISHED_TABLES, REGISTER, known_columns
from operations.removal.erasure import remaining
from operations.retention.retention import Logs, find_overdue
from operations.rights.requests import RequestBook, unfinished_lines
from privacy.keys import key_file, regions_of_keys
from privacy.suppression_book import SuppressionBook
from settings import RomiError, Settings

_PRIVATE = ("regions", "staging", "status", "dbt", "dagster", "books", "probes", "backlog")


def audit(settings: Settings, logs: Logs) -> list[str]:
    """What is not as the register says, a line each; an empty list where all is."""
    findings = [*_tables(settings), *_published(settings), *_files(settings), *open_to_others(settings),
                *_keys(settings), *_tombstones(settings), *_erasures(settings), *_leftovers(settings)]  # fmt: skip
    try:
        overdue = find_overdue(settings, logs)
    except (RomiError, duckdb.Error, OSError, ValueError) as error:
        findings.append(f"periods cannot be checked ({type(error).__name__})")
    else:
        findings += [f"{count:,} past their period: {what}" for what, count in overdue.items()]
    return findings


def _tables(settings: Settings) -> Iterator[str]:
    for path in sorted(settings.regions_dir.glob("*.duckdb")):
        try:
            with region_file(settings, path.stem, read_only=True) as con:
                yield from _off_register(con, path.name, known_columns())
        except RomiError as error:
            yield f"{path.name}: {error}"


def _published(settings: Settings) -> Iterator[str]:
    for path in sorted(settings.versions_dir.glob("*/*.duckdb")):
        try:
            con = duckdb.connect(str(path), read_only=True, config={"enable_external_access": False})
        except duckdb.Error:
            yield f"{path.relative_to(settings.warehouse)} cannot be opened"
            continue
        tables = PUBLISHED_TABLES.get(path.name, {})
        known = {table: set(columns.split()) for table, columns in tables.items()}
        try:
            yield from _off_register(con, str(path.relative_to(settings.warehouse)), known)
        finally:
            con.close()


def _off_register(con: duckdb.DuckDBPyConnection, place: str, known: dict[str, set[str]]) -> Iterator[str]:
    columns = con.execute("""
        select schema_name || '.' || table_name, list(column_name order by column_index) from duckdb_columns()
        where not internal and database_name = current_database() group by all order by all""").fetchall()
    for table, names in columns:
        if table not in known:
            yield f"{place}: {table} is not in the register"
        elif strangers := [name for name in names if name not in known[table]]:
            yield f"{place}: {table} has columns that are not in the register: {', '.join(strangers)}"


def _files(settings: Settings) -> Iterator[str]:
    """Files that no entry of the register covers; the regions' own files are those of its tables."""
    known = [pattern for one in REGISTER for pattern in one.files]
    known += ["regions/*.duckdb", "regions/*.duckdb.wal", ".lock", "books/*.lock", "memory/.lock"]
    for path in sorted(settings.warehouse.rglob("*")):
        name = str(path.relative_to(settings.warehouse))
        if path.is_file() and not path.is_symlink() and not name.startswith("published/"):
            if name.endswith((".keys", ".keys.lock")):
                yield f"{name}: keys never stand in the warehouse"
            elif not any(fnmatch(name, pattern) for pattern in known):
                yield f"{name} is not in the register"


def open_to_others(settings: Settings) -> Iterator[str]:
    """What others than its owner can read, or can write although it is published, a line each."""
    for name in _PRIVATE:
        folder = settings.warehouse / name
        if folder.is_dir() and _mode(folder) & 0o077:
            yield f"{name} is open to users other than its owner: chmod 700"
    # What DuckDB writes beside a region's file, and a killed process leaves there, is guarded by the folder.
    for path in [*settings.regions_dir.glob("*.duckdb"), *(settings.warehouse / "books").rglob("*.jsonl")]:
        if path.is_file() and _mode(path) & 0o077:
            yield f"{path.relative_to(settings.warehouse)} is open to users other than its owner: chmod 600"
    for path in settings.versions_dir.glob("[0-9]*/**/*"):
        if path.is_file() and _mode(path) & 0o222:
            yield f"{path.relative_to(settings.warehouse)} is published and can be written: chmod 440"


def _mode(path: Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def _keys(settings: Settings) -> Iterator[str]:
    try:
        path = key_file(settings.warehouse)
    except RomiError as error:
        yield str(error)
        return
    if path.is_file() and _mode(path) & 0o077:
        yield f"{path} can be read by users other than its owner: chmod 600"


def _tombstones(settings: Settings) -> Iterator[str]:
    """Suppression books that know less than they must, and persons who are back; of regions without a file, too."""
    for region in _regions_with_tombstones(settings):
        try:
            if problem := SuppressionBook(settings.warehouse, region).disagreement():
                yield problem
                continue
            if settings.region_file(region).is_file():
                with region_file(settings, region, read_only=True) as con:
                    if rows := remaining(con, settings, region):
                        erased = f"{rows:,} rows of persons who were erased"
                        yield f"{region}.duckdb holds {erased}: `romi run` takes them out"
        except RomiError as error:
            if not any(_keys(settings)):  # which has been told
                yield f"{region}: nobody can say whether erased persons are back: {error}"


def _regions_with_tombstones(settings: Settings) -> list[str]:
    try:
        known = set(regions_of_keys(settings.warehouse))
    except RomiError:  # told of its keys
        known = set()
    known |= {path.parent.name for path in (settings.warehouse / "books").glob("*/suppression.jsonl")}
    return sorted(known | {path.stem for path in settings.regions_dir.glob("*.duckdb")})


def _erasures(settings: Settings) -> Iterator[str]:
    """Erasures that are not done, and tombstones of which no request is known."""
    yield from unfinished_lines(settings)
    for region in _regions_with_tombstones(settings):
        try:
            unknown = set(SuppressionBook(settings.warehouse, region).requests()) - set(
                RequestBook(settings, region).requests()
            )
        except RomiError:  # told of its tombstones, or above
            continue
        if unknown:
            yield (
                f"{region}: the book of requests lacks {len(unknown)} erasures that have tombstones: `romi run` books"
                " them anew, and looks whether they are done"
            )


def _leftovers(settings: Settings) -> Iterator[str]:
    """Copies of the warehouse outside of every period."""
    for path in leftovers(settings):
        yield f"{path} was left by a killed process: `romi retention apply` takes it away"
    root = settings.warehouse.absolute()
    if is_cut_in_two(root):
        yield f"{moved_away(root)} is the warehouse that a killed restore moved away; this one was begun since"
