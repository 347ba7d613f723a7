"""Going back to an earlier version, which is pinned and remembered, and letting runs publish again."""

from __future__ import annotations

from pathlib import Path

import duckdb

from operations.closes.locks import in_force
from operations.removal.rewrite import table_digests
from operations.store.memory.keeping import remember_published, remember_unpinned
from operations.store.versions import PIN, show_again, version_dir, version_ids
from settings import PermanentError, Settings, UnknownValueError, UsageError
from settings.durable import write_json


def rollback(settings: Settings, version: int) -> None:
    """Make an earlier `version` the current one and pin it: nothing is published until :func:`unpin`.

    Raises:
        UnknownValueError: there is no such version.
        UsageError: it is from before a closed month was closed, so that it may show other figures of it.
        PermanentError: it cannot be read.
    """
    known = version_ids(settings)
    if version not in known:
        raise UnknownValueError("version", version, [str(one) for one in known])
    for lock in in_force(settings):
        if version < lock.version:
            raise UsageError(
                f"version {version} is older than the close of {lock}, whose figures never change: go back to version"
                f" {lock.version} or a later one, or `romi close {lock} --reopen --reason …` first"
            )
    if damaged := _damaged(version_dir(settings, version)):
        raise PermanentError(
            f"version {version} cannot be read, so the current one stays: {damaged} is missing or damaged"
        )
    # The pin comes first: killed in between, nothing is published over the decision, and doing it again ends it.
    write_json(settings.versions_dir / PIN, {"version": version})
    show_again(settings, version)
    remember_published(settings)


def _damaged(folder: Path) -> Path | None:
    """The first file of a version, of what finance or anyone reads, that is not there or cannot be read whole.

    What was published is remembered of the current version alone, so another has to stand for itself: each table is
    there as a Parquet file, too, with as many rows.
    """
    for database in ("marts", "released"):
        path = folder / f"{database}.duckdb"
        if database == "released" and not (path.exists() or (folder / "parquet" / database).exists()):
            continue
        try:
            with duckdb.connect(str(path), read_only=True) as con:
                for table, (rows, _) in table_digests(con, database).items():
                    copy = folder / "parquet" / f"{table.replace('.', '/')}.parquet"
                    if database == "marts" and not _has_rows(con, copy, rows):
                        return copy
        except (duckdb.Error, OSError):
            return path
    return None


def _has_rows(con: duckdb.DuckDBPyConnection, copy: Path, rows: int) -> bool:
    try:
        return con.execute("select count(*) from read_parquet(?)", [str(copy)]).fetchall() == [(rows,)]
    except duckdb.Error:
        return False


def unpin(settings: Settings) -> bool:
    """Let the next run publish again; False where nothing was pinned."""
    path = settings.versions_dir / PIN
    if not path.is_file():
        remember_unpinned(settings)  # it may have been lost
        return False
    remember_unpinned(settings)
    path.unlink()
    return True
