"""Backups: a consistent copy of a warehouse, verified by opening it.

Keys are never in it: they stand outside the warehouse. Left out besides is what is transient (staging), can be made
anew (dbt's target) or is a journal (Dagster's storage).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.books import region_file
from operations.backups.backup_manifest import MANIFEST
from operations.backups.backup_places import BACKUPS, claimed, free_name, half_done, let_go, note, place_for, sweep
from operations.rebuilding.finality import WATERMARK
from operations.removal.rewrite import table_digests
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly
from operations.store.memory.remembered import FOLDER as MEMORY
from privacy import storage
from settings import WAREHOUSE_FORMAT, PermanentError, Settings, TransientError, now
from settings.digests import sha256_of
from settings.durable import sync, write_json

_LEFT_OUT = ("staging", "dagster", "dbt", BACKUPS)


@dataclass(frozen=True)
class Backup:
    """A verified backup, or one that was just restored."""

    folder: Path | str  # or its address in an object store
    made_at: datetime
    files: int
    bytes: int
    seconds: float
    recovery_point: dict[str, str | None]  # by region: the latest event inside
    notes: tuple[str, ...] = ()  # of a restore: what it took out, or put back from beside the keys


def back_up(settings: Settings, to: Path | None = None, on_wait: OnWait = wait_quietly) -> Backup:
    """Copy the warehouse into a new folder of `to`, verified; only a whole backup gets its name.

    Args:
        to: default ``<warehouse>.backups`` beside the warehouse.

    Raises:
        UsageError: `to` lies in the warehouse or cannot be a folder, or there is no warehouse.
        PermanentError: the copy is not what was copied.
    """
    check_warehouse(settings)
    root, parent = settings.warehouse.absolute(), place_for(settings, to)
    with ExitStack() as until_whole:
        with exclusive(settings, on_wait):
            begun, made_at = time.monotonic(), now()
            sweep(settings, parent)
            folder = free_name(parent, made_at)
            note(settings.warehouse, folder, made_at)
            work = until_whole.enter_context(claimed(half_done(folder)))
            manifest = {**_copied(settings, root, work / "warehouse"), "made_at": made_at.isoformat()}
        verify(settings, work / "warehouse", manifest)
        seconds = round(time.monotonic() - begun, 3)
        write_json(work / MANIFEST, {**manifest, "seconds": seconds})
        for path in sorted(work.rglob("*"), reverse=True):
            sync(path)
        os.rename(work, folder)
        let_go(folder)
        sync(parent)
    sizes = [one["bytes"] for one in manifest["files"].values()]
    return Backup(folder, made_at, len(sizes), sum(sizes), seconds, manifest["recovery_point"])


def _copied(settings: Settings, root: Path, to: Path) -> dict[str, Any]:
    """Copy the warehouse; tells what it was."""
    points = {path.stem: _settle(settings, path.stem) for path in sorted(settings.regions_dir.glob("*.duckdb"))}
    to.mkdir(mode=0o700)
    files = {str(name): copy(root / name, to / name) for name in _names(root)}
    return {
        "warehouse_format": WAREHOUSE_FORMAT,
        "published": os.readlink(settings.published) if settings.published.is_symlink() else None,
        "recovery_point": points,
        "files": files,
        "tables": {name: _tables(settings, root / name) for name in files if name.endswith(".duckdb")},
    }


def _settle(settings: Settings, region: str) -> str | None:
    """Bring the log of the region's file into it; tells the latest event inside."""
    with region_file(settings, region) as con:
        con.execute("checkpoint")
        latest = con.execute(WATERMARK).fetchall()[0][0]
    return latest and latest.isoformat()


def _names(root: Path) -> Iterator[Path]:
    """The files that belong into a backup; what a killed writer left half done, and a link, is none.

    The memory comes first, since books may grow meanwhile, and it must not be ahead of them.
    """
    for path in sorted(root.rglob("*"), key=lambda one: (root / MEMORY not in one.parents, one)):
        name = path.relative_to(root)
        is_rubbish = any(part.startswith(".") or part.endswith(".tmp") for part in name.parts)
        is_left_out = name.parts[0] in (*_LEFT_OUT, "published") or path.name.endswith((".keys", ".keys.lock", ".wal"))
        if path.is_file() and not path.is_symlink() and not is_rubbish and not is_left_out:
            yield name


def copy(path: Path, to: Path) -> dict[str, Any]:
    """Copy a file of a warehouse or backup, readable by its owner alone if it is not published; tells what it was."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(path, to)
    to.chmod(path.stat().st_mode & 0o660 if "versions" in path.parts else 0o600)
    return {"bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return sha256_of(file)


def _tables(settings: Settings, path: Path) -> dict[str, list[str]]:
    """Rows and digest of each table, as text: JSON's numbers are not that wide everywhere."""
    is_region = path.parent.name == settings.regions_dir.name
    with storage.opened(path, settings, path.stem, read_only=True) if is_region else _published(path) as con:
        name = con.execute("select current_database()").fetchall()[0][0]
        return {table: [str(rows), str(digest)] for table, (rows, digest) in table_digests(con, name).items()}


@contextmanager
def _published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect(str(path), read_only=True, config={"temp_directory": ""})
    try:
        yield con
    finally:
        con.close()


def verify(settings: Settings, folder: Path, manifest: dict[str, Any]) -> None:
    """Compare each file's bytes, and the rows of each table, with what `manifest` says was backed up.

    Raises:
        PermanentError: one is not what it was.
    """
    for name, known in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _sha256(path) != known["sha256"]:
            raise PermanentError(f"{path} is not what was backed up")
    for name, tables in manifest["tables"].items():
        try:
            found = _tables(settings, folder / name)
        except (duckdb.Error, TransientError) as error:
            raise PermanentError(f"{folder / name} cannot be opened") from error
        if found != tables:
            raise PermanentError(f"{folder / name} does not hold the rows that were backed up")
