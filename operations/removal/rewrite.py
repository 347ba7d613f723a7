"""A region's file written anew: DuckDB keeps deleted rows in its bytes, and only a copy into a new file has none."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from ingestion.books import meta, region_file
from privacy import storage
from settings import PermanentError, Settings
from settings.durable import replace_durably

REWRITE_DUE = "rewrite_due"  # in `ops.meta`, while bytes of what was taken out are still in the file
Digests = dict[str, tuple[int, int]]


def rewrite_region_file(settings: Settings, region: str) -> None:
    """Copy what the region's file holds into a new file, compare, and swap them; the old bytes go with the old file.

    The caller holds the warehouse, and has no connection to the file. Killed at any moment, the old file or the new one
    is in place, whole, and doing it again ends the same.

    Raises:
        PermanentError: the copy differs from the file; nothing was swapped.
        TransientError: another process holds the region's file.
    """
    path = settings.region_file(region)
    fresh = _work_file(path)
    remove_leftovers(settings, region)
    with region_file(settings, region) as con:
        con.execute("checkpoint")
        source = con.execute("select current_database()").fetchall()[0][0]
        storage.attach(con, fresh, settings, region, alias="fresh")
        fresh.chmod(0o600)
        con.execute(f'copy from database "{source}" to fresh')
        if table_digests(con, source) != table_digests(con, "fresh"):
            raise PermanentError(f"{region}: the copy of its file differs from it; nothing was swapped")
        con.execute("detach fresh")
    if _log(path).exists() or _log(fresh).exists():
        raise PermanentError(f"{region}: its file has a write-ahead log that did not go into it; nothing was swapped")
    replace_durably(fresh, path)
    remove_leftovers(settings, region)


def rewrite_if_due(settings: Settings, region: str) -> bool:
    """Write the file anew if something was taken out of it; the mark goes after the swap, so a kill does it again."""
    with region_file(settings, region, read_only=True) as con:
        if meta(con, REWRITE_DUE) is None:
            return False
    rewrite_region_file(settings, region)
    with region_file(settings, region) as con:
        con.execute("delete from ops.meta where key = ?", [REWRITE_DUE])
    return True


def keep_as_configured(settings: Settings, region: str) -> bool:
    """Write the region's file anew where it is encrypted and should not be, or the other way round.

    Returns:
        Whether it was.
    """
    path = settings.region_file(region)
    if not path.is_file() or storage.is_encrypted(path) == storage.wants_encryption(settings):
        return False
    rewrite_region_file(settings, region)
    return True


def remove_leftovers(settings: Settings, region: str) -> None:
    """Take away what a killed rewrite or a killed query left beside the region's file; nobody may have it open."""
    path = settings.region_file(region)
    for one in (_work_file(path), _log(_work_file(path))):
        one.unlink(missing_ok=True)
    shutil.rmtree(path.with_name(f"{path.name}.tmp"), ignore_errors=True)  # spilled rows


def table_digests(con: duckdb.DuckDBPyConnection, database: str) -> Digests:
    """For each table of an attached database its rows: how many, and a sum of their hashes that knows no order."""
    tables = con.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? and not temporary order by all",
        [database],
    ).fetchall()
    digests = {}
    for schema, table in tables:
        place = f'"{database}"."{schema}"."{table}"'
        query = f"select count(*), coalesce(sum(hash(one)::hugeint), 0) from {place} as one"
        digests[f"{schema}.{table}"] = con.execute(query).fetchall()[0]
    return digests


def _work_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.rewriting")


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
