"""A region's file and its books: every archive, and the one fate of every record, in the transaction of its data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from ingestion.landing import Landed
from ingestion.notes import note
from ingestion.region_tables import REGION_TABLES
from privacy import storage
from settings import WAREHOUSE_FORMAT, PermanentError, Settings
from settings.formats import check_format

_ARCHIVES = pl.Schema({
    "archive_id": pl.Int32(), "kind": pl.String(), "name": pl.String(), "topic": pl.String(), "partition": pl.Int32(),
    "start_offset": pl.Int64(), "size_bytes": pl.Int64(), "mtime_ns": pl.Int64(), "sha256": pl.String(),
    "state": pl.String(), "problem": pl.String(), "attempts": pl.Int32(), "records": pl.Int64(),
    "first_seen_at": pl.Datetime("us"), "loaded_at": pl.Datetime("us"),
})  # fmt: skip
_FATES = pl.Schema({
    "archive_id": pl.Int32(), "fate": pl.String(), "reason": pl.String(), "records": pl.Int64(),
    "conflicting": pl.Int64(),
})  # fmt: skip
FORMAT = "format"  # in `ops.meta`
FATES = ("loaded", "anonymised", "duplicate", "no_consent", "bot", "suppressed", "expired")


@contextmanager
def region_file(
    settings: Settings, region: str, *, read_only: bool = False, may_migrate: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a region's file; a writer makes it where it is not there, and closes it in any case.

    Args:
        may_migrate: open also what is of an earlier format; it is for the migrations.

    Raises:
        TransientError: another process holds the file and did not let go in about six seconds, or it cannot be read.
        UsageError: the file is of another format than this release's, or its key is missing or another one.
    """
    path = settings.region_file(region)
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    with storage.opened(path, settings, region, read_only=read_only) as con:
        if not read_only and path.stat().st_mode & 0o077:
            path.chmod(0o600)
        con.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        if not read_only and not _has_books(con):
            with transaction(con):
                con.execute(REGION_TABLES)
                put_meta(con, FORMAT, str(WAREHOUSE_FORMAT))
        check_format(path, region_format(con), may_migrate=may_migrate)
        yield con


def _has_books(con: duckdb.DuckDBPyConnection) -> bool:
    books = "select count(*) from duckdb_tables() where schema_name = 'ops' and table_name = 'meta'"
    return con.execute(books).fetchone() == (1,)


def region_format(con: duckdb.DuckDBPyConnection) -> int | None:
    """The format that a region's file says it has."""
    found = meta(con, FORMAT) or ""
    return int(found) if found.isdigit() else None


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing."""
    con.execute("begin")
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


def meta(con: duckdb.DuckDBPyConnection, key: str) -> str | None:
    row = con.execute("select value from ops.meta where key = ?", [key]).fetchone()
    return row[0] if row else None


def put_meta(con: duckdb.DuckDBPyConnection, key: str, value: str) -> None:
    con.execute("insert or replace into ops.meta values (?, ?)", [key, value])


@dataclass(frozen=True)
class Failover:
    """That the replica's copy of a file was tried in the place of the primary's, and why."""

    why: str
    sha256: str
    size: int
    mtime_ns: int
    is_served: bool = True  # False: it is no better


@dataclass
class Delivery:
    """A landed file with one content, and the fates of its records so far."""

    landed: Landed
    sha256: str
    problem: str | None = None  # why it cannot be read whole; then nothing of it is loaded
    records: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    conflicting: int = 0
    reasons: Counter[str] = field(default_factory=Counter)  # dead letters
    fields: Counter[tuple[str, str]] = field(default_factory=Counter)  # records by (field, problem)
    reading: str = ""  # the settings that it is read under, see ingestion.readings
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)  # records by (field, note), see ingestion.notes
    failover: Failover | None = None

    def count(self, fate: str, records: int = 1) -> None:
        if not self.problem:
            self.fates[fate] = self.fates.get(fate, 0) + records

    def give_up(self, problem: str) -> None:
        """Nothing of it is loaded, and nothing of it counts."""
        self.problem, self.records, self.fates = problem, 0, {}
        self.reasons, self.fields, self.notes = Counter(), Counter(), Counter()


def new_archive_ids(con: duckdb.DuckDBPyConnection, count: int) -> list[int]:
    return [id_ for (id_,) in con.execute("select nextval('ops.archive_ids') from range(?)", [count]).fetchall()]


def book(con: duckdb.DuckDBPyConnection, deliveries: dict[int, Delivery], now: datetime) -> None:
    """Enter deliveries by their archive ids: each one's state, and the fate of every record.

    A corrupt delivery under the same name is `replaced`. Call it in the transaction that loads the data.

    Raises:
        PermanentError: a delivery's fates do not add up to its records.
    """
    fates = [row for id_, one in deliveries.items() for row in fate_rows(id_, one)]
    tried = _tries(con, [one.landed.name for one in deliveries.values() if one.problem])
    archives = [
        (id_, one.landed.kind, one.landed.name, one.landed.topic, one.landed.partition, one.landed.start_offset,
         one.landed.size, one.landed.mtime_ns, one.sha256, "corrupt" if one.problem else "loaded", one.problem,
         tried.get((one.landed.name, one.sha256), 0) + 1,
         one.records, now, now)
        for id_, one in deliveries.items()
    ]  # fmt: skip
    con.register("booked", pl.DataFrame(archives, schema=_ARCHIVES, orient="row").to_arrow())
    con.execute(
        "update ops.archives set state = 'replaced' where state = 'corrupt' and name in (select name from booked)"
    )
    con.execute("insert into ops.archives by name from booked")
    con.unregister("booked")
    con.register("booked_fates", pl.DataFrame(fates, schema=_FATES, orient="row").to_arrow())
    con.execute("insert into ops.fates by name from booked_fates")
    con.unregister("booked_fates")
    note(con, {id_: one.notes for id_, one in deliveries.items()})
    failovers = [
        (id_, one.landed.name, it.why, it.is_served, it.size, it.mtime_ns, it.sha256, now)
        for id_, one in deliveries.items() if (it := one.failover)
    ]  # fmt: skip
    if failovers:
        con.executemany("insert into ops.failovers values (?, ?, ?, ?, ?, ?, ?, ?)", failovers)


def _tries(con: duckdb.DuckDBPyConnection, names: list[str]) -> dict[tuple[str, str], int]:
    """How often a corrupt content was tried so far, by name and SHA-256."""
    query = "select name, sha256, attempts from ops.archives where state = 'corrupt' and name = any(?)"
    return {(name, sha256): tries for name, sha256, tries in con.execute(query, [names]).fetchall()} if names else {}


def fate_rows(id_: int, one: Delivery) -> list[tuple[int, str, str, int, int]]:
    rows = [(id_, fate, "", records, one.conflicting if fate == "duplicate" else 0)
            for fate, records in one.fates.items() if records]  # fmt: skip
    rows += [(id_, "dead_letter", reason, records, 0) for reason, records in one.reasons.items()]
    if sum(row[3] for row in rows) != one.records:
        raise PermanentError(f"{one.landed.name}: {one.records} records read, but their fates count otherwise")
    return rows


def remove_events(con: duckdb.DuckDBPyConnection, where: str, parameters: dict[str, Any] | None = None) -> int:
    """Delete rows of the raw events for good, and count them, so that the books still balance with what is there.

    Call it in a transaction. The records keep the fate they had: they were loaded.
    """
    con.execute(
        f"""insert into ops.removed_events
        select archive_id, count(*) from raw.events where {where} group by all
        on conflict do update set records = removed_events.records + excluded.records""",
        parameters,
    )
    return con.execute(f"delete from raw.events where {where}", parameters).fetchall()[0][0]


def records_by_fate(con: duckdb.DuckDBPyConnection, kind: str = "events") -> dict[str, Any]:
    """The books of the region's files of a kind, by record or row, as ``romi status --json`` shows them."""
    counted = con.execute("""
        select fate, reason, sum(fates.records)::bigint from ops.fates join ops.archives using (archive_id)
        where kind = ? group by all order by all""", [kind]).fetchall()  # fmt: skip
    books: dict[str, Any] = {"read": sum(count for _, _, count in counted)} | dict.fromkeys(FATES, 0)
    books["dead_letter"] = {reason: count for fate, reason, count in counted if fate == "dead_letter"}
    books |= {fate: count for fate, _, count in counted if fate != "dead_letter"}
    return books


def add_books(books: list[dict[str, Any]]) -> dict[str, Any]:
    """The sum of several regions' books."""
    total: dict[str, Any] = {"read": 0} | dict.fromkeys(FATES, 0) | {"dead_letter": {}}
    for one in books:
        for key in ("read", *FATES):
            total[key] += one[key]
        for reason, count in one["dead_letter"].items():
            total["dead_letter"][reason] = total["dead_letter"].get(reason, 0) + count
    return total
