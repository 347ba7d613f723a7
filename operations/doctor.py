"""`romi doctor`: looks at everything that a warehouse consists of and says of each whether it is right and what to do.

Its fast form, which a run begins with, opens no table and reads no file that has the stamp it is remembered by.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import duckdb

from ingestion.books import meta, region_file
from ingestion.object_store import without_options
from operations.backups.at_hand import looked_over
from operations.backups.backup_places import is_cut_in_two, leftovers, moved_away
from operations.closes.locks import FOLDER, all_locks
from operations.publishing.targets.bucket import difference
from operations.rebuilding.engine.spark_session import described
from operations.register.register_audit import open_to_others
from operations.store.locks import check_warehouse
from operations.store.memory import published
from operations.store.memory.findings import Finding
from operations.store.memory.marks import content_of
from operations.store.memory.remembered import lacking_places, mend_places, remembered_regions, warehouse_memory
from operations.store.versions import current_version, read_manifest, version_dir, version_ids
from privacy.keys import key_file
from privacy.suppression_book import SuppressionBook
from settings import WAREHOUSE_FORMAT, PermanentError, RomiError, Settings, now

_TOLERANCE = timedelta(hours=1)
_SPARE = 512 << 20  # bytes that are to be free besides a copy of the largest region's file


@dataclass(frozen=True)
class Check:
    """Something that was looked at: `name` of the kind, `place`, and where it is not right `problem` and `mend`."""

    name: str
    place: str
    problem: str | None = None
    mend: str | None = None

    @property
    def is_right(self) -> bool:
        return self.problem is None


# What else can be looked at, by those who know of it: the journal of Dagster.
Look = Callable[[Settings], Iterator[Check]]


def examine(settings: Settings, *others: Look) -> list[Check]:
    """Everything, thoroughly.

    Raises:
        UsageError: there is no warehouse.
    """
    check_warehouse(settings)
    of_state = (_versions, _files, _published, _memory, _books, _closes, _keys)
    looks: tuple[Look, ...] = (*of_state, _permissions, _space, _clock, _leftovers, _backups, _bucket, *others)
    return [check for look in looks for check in look(settings)]


def said_at_start(settings: Settings) -> list[str]:
    """The fast form: mends the memory's second place, and says what is not right and fails nothing, a line each."""
    looks: tuple[Look, ...] = (_permissions, _space, _clock, _leftovers, partial(_backups, is_fast=True))
    found = (one for look in looks for one in look(settings))
    return mend_places(settings) + [f"{one.problem}: {one.mend}" for one in found if not one.is_right]


def _versions(settings: Settings) -> Iterator[Check]:
    yield Check("versions", f"warehouse format {WAREHOUSE_FORMAT}")  # or it would have been refused
    try:
        yield Check("versions", f"romi-warehouse {version('romi-warehouse')}, DuckDB {duckdb.__version__}")
    except PackageNotFoundError:
        what, mend = "its package is not installed", "install the wheel, or `make install`"
        yield Check("versions", "romi-warehouse", what, mend)
    yield Check("engine", *described(settings))


def _files(settings: Settings) -> Iterator[Check]:
    """Each region's file: remembered, there, and every table of it can be read."""
    lost = {one.region: one for one in _found(settings) if one.kind in _OF_FILES}
    files = {path.stem for path in settings.regions_dir.glob("*.duckdb")}
    for region in sorted(files | set(remembered_regions(settings))):
        place = str(settings.region_file(region))
        yield _told("files", place, lost[region]) if region in lost else _read(settings, region, place)


_OF_FILES = ("missing_file", "damaged_file", "new_file", "older_file", "removed")


def _read(settings: Settings, region: str, place: str) -> Check:
    restore = f"put it back from a backup (`romi restore DIR`, or only DIR/warehouse/regions/{region}.duckdb)"
    try:
        with region_file(settings, region, read_only=True) as con:
            tables = con.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()
            for schema, table in tables:
                con.execute(f'select count(*), sum(hash(one)::hugeint) from "{schema}"."{table}" as one').fetchall()
            meta(con, "format")
    except RomiError as error:
        return Check("files", place, str(error), restore)
    except duckdb.Error as error:  # its text may quote the data
        return Check("files", place, f"{place} cannot be read whole ({type(error).__name__})", restore)
    return Check("files", place)


def _published(settings: Settings) -> Iterator[Check]:
    """The link, the version that it shows byte by byte, and the manifests of all others."""
    lost = [one for one in _found(settings) if one.kind in ("version", "pin")]
    yield from (_told("links", str(settings.published), one) for one in lost)
    current, memory = current_version(settings), warehouse_memory(settings)
    if lost or current is None:
        return
    folder = version_dir(settings, current)
    changed = [name for name, one in memory.files.items() if content_of(folder / name) != one.sha256]
    if changed and current == memory.published:
        yield Check("links", str(folder), f"{folder / changed[0]} is not what was published",
                    "`romi publish rollback VERSION` to an earlier one, or `romi restore DIR`")  # fmt: skip
    else:
        yield Check("links", f"{settings.published} shows version {current}")
    for one in version_ids(settings):
        try:
            read_manifest(settings, one)
        except PermanentError:
            yield Check("versions", str(version_dir(settings, one)), f"version {one} has no manifest that can be read",
                        "no rollback to it; its folder can be removed")  # fmt: skip


def _memory(settings: Settings) -> Iterator[Check]:
    lacking = lacking_places(settings)
    for path in lacking:
        yield Check("memory", str(path), f"{path} is missing, damaged or older than its copy", "`romi run` mends it")
    if not lacking:
        yield Check("memory", f"{len(remembered_regions(settings)):,} regions, in two places")


def _books(settings: Settings) -> Iterator[Check]:
    lost = [one for one in _found(settings) if one.kind == "book"]
    yield from (_told("books", str(one.region or "the warehouse"), one) for one in lost)
    stones = {region: _tombstones(settings, region) for region in remembered_regions(settings)}
    for region, problem in stones.items():
        if problem:
            yield Check("books", region, problem, "do what it says, or `romi run`")
    if not lost and not any(stones.values()):
        yield Check("books", f"{settings.warehouse / 'books'}")


def _tombstones(settings: Settings, region: str) -> str | None:
    try:
        return SuppressionBook(settings.warehouse, region).disagreement()
    except RomiError as error:
        return str(error)


def _closes(settings: Settings) -> Iterator[Check]:
    """The locks of closed months, byte by byte."""
    lost = [one for one in _found(settings) if one.kind == "close"]
    yield from (_told("closes", str(settings.warehouse / FOLDER), one) for one in lost)
    if not lost and (locks := all_locks(settings)):
        yield Check("closes", f"{len(locks):,} closes of months in {settings.warehouse / FOLDER}")


def _keys(settings: Settings) -> Iterator[Check]:
    lost = [one for one in _found(settings) if one.kind == "key"]
    yield from (_told("keys", str(one.region), one) for one in lost)
    try:
        path = key_file(settings.warehouse)
        if not lost:
            yield Check("keys", str(path) if path.exists() else "the environment")
    except RomiError as error:
        yield Check("keys", "ROMI_KEY_FILE", str(error), "name a file outside of the warehouse")


def _permissions(settings: Settings) -> Iterator[Check]:
    problems = list(open_to_others(settings))
    for problem in problems:
        what, _, mend = problem.rpartition(": ")
        yield Check("permissions", what.partition(" ")[0], what, mend)
    if not os.access(settings.warehouse, os.W_OK):
        yield Check("permissions", str(settings.warehouse), f"{settings.warehouse} cannot be written", "chown it")
    elif not problems:
        yield Check("permissions", str(settings.warehouse))


def _space(settings: Settings) -> Iterator[Check]:
    """An erasure writes a region's file anew, and a version is built beside the last."""
    largest = max((path.stat().st_size for path in settings.regions_dir.glob("*.duckdb")), default=0)
    free, needed = shutil.disk_usage(settings.warehouse).free, largest + _SPARE
    place = f"{free >> 20:,} MiB free at {settings.warehouse}"
    if free >= needed:
        yield Check("space", place)
    else:
        yield Check("space", place, f"{place}, but a run may need {needed >> 20:,} MiB", "make room, or add disk")


def clock_problem(settings: Settings) -> str | None:
    """What is wrong with a clock that stands before what was published last: it would take new records for records of
    the future. None where nothing is."""
    try:
        current = current_version(settings)
        built = None if current is None else read_manifest(settings, current)["built_at"]
        built_at = built and datetime.fromisoformat(built).replace(tzinfo=UTC)
    except (PermanentError, ValueError, KeyError):
        return None
    if not built_at or now() >= built_at - _TOLERANCE:
        return None
    return f"the clock says {now():%Y-%m-%d %H:%M} UTC, but version {current} was built at {built_at:%Y-%m-%d %H:%M}"


def _clock(settings: Settings) -> Iterator[Check]:
    if problem := clock_problem(settings):
        mend = "set the clock right (or ROMI_NOW), and look at that version's days"
        yield Check("clock", "this machine", problem, mend)
    else:
        yield Check("clock", f"{now():%Y-%m-%d %H:%M} UTC")


def _leftovers(settings: Settings) -> Iterator[Check]:
    moved = moved_away(settings.warehouse.absolute())
    if is_cut_in_two(settings.warehouse.absolute()):
        what = f"{moved} is the warehouse that a killed restore moved away"
        yield Check("links", str(moved), what, "move away whichever of the two you do not want")
    for path in leftovers(settings):
        what = f"{path} was left by a killed process"
        yield Check("files", str(path), what, "`romi retention apply` removes it")


def _backups(settings: Settings, *, is_fast: bool = False) -> Iterator[Check]:
    yield from (Check("backups", *told) for told in looked_over(settings, is_fast=is_fast))


def _bucket(settings: Settings) -> Iterator[Check]:
    if settings.publish.bucket is not None:
        yield Check("bucket", without_options(settings.publish.bucket), *difference(settings))


def _found(settings: Settings) -> list[Finding]:
    return published.findings(settings)


def _told(name: str, place: str, finding: Finding) -> Check:
    return Check(name, place, finding.what, finding.mend)
