"""`romi close verify`: whether a closed month is what was locked, and whether its archived inputs still give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from operations.closes.close import signing_key
from operations.closes.locks import MANIFEST, REOPENED, Lock, all_locks, damaged_files, month_name, place_of
from operations.finance_tables.published_tables import CLOSED_MONTHS, LOCKED, Table, columns_of, in_sql
from operations.finance_tables.version_tables import quoted
from operations.store.locks import check_warehouse
from operations.store.memory.marks import content_of
from operations.store.memory.remembered import warehouse_memory
from operations.store.versions import current_version, version_dir, version_ids
from privacy import signing
from settings import RomiError, Settings, UnknownValueError


@dataclass(frozen=True)
class Difference:
    """Something that is not what was locked: the file, version or table, and what about it."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass
class Verified:
    """What came of looking at one close."""

    lock: Lock
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        return not self.differences


# Looks further at a close, such as by making its figures anew.
Look = Callable[[Settings, Verified], None]


def verify(settings: Settings, month: str | None, public: bytes | None, *looks: Look) -> list[Verified]:
    """Compare what is locked of a month, or of every closed one, with its manifest, and with every version at hand.

    Args:
        month: such as ``2026-10``; None for all.
        public: the key to trust; without it, that of the warehouse at hand.

    Raises:
        UnknownValueError: the month was never closed.
        PermanentError: a manifest cannot be read.
    """
    check_warehouse(settings)
    locks = all_locks(settings)
    known = {month_name(lock.month) for lock in locks}
    if month is not None and month not in known:
        raise UnknownValueError("closed month", month, sorted(known))
    chosen = [lock for lock in locks if month in (None, month_name(lock.month))]
    return [_verified(settings, lock, public, looks) for lock in chosen]


def _verified(settings: Settings, lock: Lock, public: bytes | None, looks: tuple[Look, ...]) -> Verified:
    found = Verified(lock)
    found.differences += [*_signatures(settings, lock, public), *_files(lock), *_remembered(settings, lock)]
    if lock.is_in_force:
        found.differences += _versions(settings, lock)
        if not found.differences:
            for look in looks:
                look(settings, found)
    else:
        found.notes.append(f"{lock} was opened again after close {lock.number}")
    return found


def _signatures(settings: Settings, lock: Lock, public: bytes | None) -> Iterator[Difference]:
    try:
        key = public or signing.public_key(signing_key(settings, make=False))
    except RomiError as error:
        yield Difference(str(lock.folder / MANIFEST), f"no key to verify it by: {error}; give --public FILE")
        return
    for name in (MANIFEST, *([] if lock.is_in_force else [REOPENED])):
        try:
            signing.verified((lock.folder / name).read_text(), key)
        except (signing.ForgedError, OSError, UnicodeDecodeError) as error:
            yield Difference(str(lock.folder / name), str(error))


def _files(lock: Lock) -> Iterator[Difference]:
    for name in damaged_files(lock):
        what = "is not what was locked" if (lock.folder / name).is_file() else "is missing"
        yield Difference(str(lock.folder / name), what)
    known = {*lock.manifest["files"], MANIFEST, REOPENED}
    for path in sorted(one for one in lock.folder.rglob("*") if one.is_file()):
        if str(path.relative_to(lock.folder)) not in known:
            yield Difference(str(path), "was not locked")


def _remembered(settings: Settings, lock: Lock) -> Iterator[Difference]:
    """What is known of the manifest elsewhere: in the warehouse's memory, and in those of later closes."""
    place, manifest = place_of(lock.folder), str(lock.folder / MANIFEST)
    if warehouse_memory(settings).closes.get(place, lock.sha256) != lock.sha256:
        yield Difference(manifest, "is another than the warehouse remembers")
    for later in all_locks(settings):
        if later.manifest["before"].get(place, lock.sha256) != lock.sha256:
            yield Difference(manifest, f"is another than when {later} was closed")


def _versions(settings: Settings, lock: Lock) -> Iterator[Difference]:
    """Every version at hand that says that the month is closed, in its database and in its Parquet files."""
    yield from _changed_files(settings)
    for version in version_ids(settings):
        folder = version_dir(settings, version)
        try:
            with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
                yield from _version(con, version, folder, lock)
        except duckdb.Error as error:
            yield Difference(f"version {version}", f"cannot be read ({type(error).__name__})")


def _changed_files(settings: Settings) -> Iterator[Difference]:
    memory, current = warehouse_memory(settings), current_version(settings)
    if current is None or current != memory.published:
        return
    for name, known in memory.files.items():
        path = version_dir(settings, current) / name
        if not path.is_file() or content_of(path) != known.sha256:
            yield Difference(str(path), "is not what was published")


def _version(con: duckdb.DuckDBPyConnection, version: int, folder: Path, lock: Lock) -> Iterator[Difference]:
    there = columns_of(con, "marts")
    if str(CLOSED_MONTHS) not in there:
        return
    said = con.execute(f"select number, manifest_sha256 from {CLOSED_MONTHS} where month = ?", [lock.month]).fetchall()
    if not said or said[0][0] != lock.number:
        return
    if said[0][1] != lock.sha256:
        yield Difference(f"version {version}", f"{CLOSED_MONTHS} names another manifest")
    for table in LOCKED:
        if (days := lock.days(table)) is None or str(table) not in there:
            continue
        where = f"where {table.period} between '{days[0]}' and '{days[1]}'"
        parquet = quoted(folder / "parquet" / table.schema / f"{table.name}.parquet")
        for place, rows in ((str(table), str(table)), (f"{table} (Parquet)", f"read_parquet({parquet})")):
            if count := differing_rows(con, table, f"{rows} {where}", f"read_parquet({quoted(lock.figures(table))})"):
                yield Difference(f"version {version}", f"{place} has {count:,} rows that are not those locked")


def differing_rows(
    con: duckdb.DuckDBPyConnection, table: Table, some: str, others: str, without: tuple[str, ...] = ()
) -> int:
    """How many rows stand on one side alone, of the columns that both have."""
    has = [{name for (name, *_) in con.execute(f"describe from {side}").fetchall()} for side in (some, others)]
    columns = in_sql(name for name in table.columns if name in has[0] & has[1] and name not in without)
    found: int = con.execute(
        f"""select count(*) from (
            (select {columns} from {some} except all select {columns} from {others})
            union all (select {columns} from {others} except all select {columns} from {some}))"""
    ).fetchall()[0][0]
    return found
