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
from privacy.keys import key_file
from privacy.suppression_book import SuppressionBook
from settings import RomiError, Settings

_PRIVATE = ("regions", "staging", "status", "dbt", "dagster", "books", "probes")


def audit(settings: Settings, logs: Logs) -> list[str]:
    """What is not as the register says, a line each; an empty list where all is."""
    findings = [*_tables(settings), *_published(settings), *_files(settings), *_modes(settings), *_keys(settings),
                *_tombstones(settings), *_leftovers(settings)]  # fmt: skip
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
    known += ["regions/*.duckdb", "regions/*.duckdb.wal", ".lock", "books/*.lock"]
    for path in sorted(settings.warehouse.rglob("*")):
        name = str(path.relative_to(settings.warehouse))
        if path.is_file() and not path.is_symlink() and not name.startswith("published/"):
            if name.endswith((".keys", ".keys.lock")):
                yield f"{name}: keys never stand in the warehouse"
            elif not any(fnmatch(name, pattern) for pattern in known):
                yield f"{name} is not in the register"


def _modes(settings: Settings) -> Iterator[str]:
    for name in _PRIVATE:
        folder = settings.warehouse / name
        if folder.is_dir() and _mode(folder) & 0o077:
            yield f"{name} is open to others than its owner: chmod 700"
    for path in [*settings.regions_dir.glob("*.duckdb*"), *(settings.warehouse / "books").rglob("*.jsonl")]:
        if path.is_file() and _mode(path) & 0o077:
            yield f"{path.relative_to(settings.warehouse)} is open to others than its owner: chmod 600"
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
        yield f"{path} can be read by others than its owner: chmod 600"


def _tombstones(settings: Settings) -> Iterator[str]:
    """Suppression books that know less than they must, and persons who are back."""
    for path in sorted(settings.regions_dir.glob("*.duckdb")):
        try:
            if problem := SuppressionBook(settings.warehouse, path.stem).disagreement():
                yield problem
                continue
            with region_file(settings, path.stem, read_only=True) as con:
                if rows := remaining(con, settings, path.stem):
                    yield f"{path.name} holds {rows:,} rows of persons who were erased: `romi run` takes them out"
        except RomiError:  # told of its tables and keys
            continue


def _leftovers(settings: Settings) -> Iterator[str]:
    """Copies of the warehouse outside of every period."""
    for path in leftovers(settings):
        yield f"{path} was left by a killed backup or restore: `romi retention apply` takes it away"
    root = settings.warehouse.absolute()
    if is_cut_in_two(root):
        yield f"{moved_away(root)} is the warehouse that a killed restore moved away; this one was begun since"
