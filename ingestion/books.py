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

from ingestion import table_books
from ingestion.landing import Landed
from ingestion.notes import note
from privacy import storage
from settings import WAREHOUSE_FORMAT, PermanentError, Settings, UsageError

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
FATES = ("loaded", "anonymised", "duplicate", "no_consent", "bot", "suppressed", "expired")

_SCHEMA = """
create schema if not exists raw;
create schema if not exists ops;
create table if not exists raw.events (
    message_id uuid not null, message_order uuid not null, archive_id integer not null, record_offset bigint not null,
    type varchar not null, event varchar, occurred_at timestamp not null, received_at timestamp,
    anonymous_id uuid, user_id uuid,
    campaign_source varchar, campaign_medium varchar, campaign_name varchar, campaign_id varchar,
    page_host varchar, referrer_host varchar, experiment varchar, variation varchar, geography varchar,
    order_id varchar, currency varchar,
    revenue_minor bigint, tax_minor bigint, shipping_minor bigint, total_minor bigint, is_anonymised boolean not null,
    is_consent_stated boolean);
alter table raw.events add column if not exists is_consent_stated boolean;
create table if not exists raw.spend (
    file varchar not null, line bigint not null, platform varchar not null, spend_on date not null,
    campaign_id varchar not null, campaign_name varchar, channel varchar,
    impressions bigint not null, clicks bigint not null, spend_minor bigint not null, currency varchar not null);
create table if not exists raw.ledger_orders (
    file varchar not null, line bigint not null, order_id varchar not null, ordered_at timestamp not null,
    status varchar not null, revenue_minor bigint not null, refunded_minor bigint not null, cogs_minor bigint,
    currency varchar not null, updated_at timestamp not null);
create table if not exists raw.fx_rates (rate_on date not null, currency varchar not null, rate_e8 bigint not null);
create sequence if not exists ops.archive_ids;
create table if not exists ops.archives (
    archive_id integer primary key, kind varchar not null, name varchar not null, topic varchar not null,
    partition integer not null, start_offset bigint not null, size_bytes bigint not null, mtime_ns bigint not null,
    sha256 varchar not null, state varchar not null, problem varchar, attempts integer not null,
    records bigint not null, first_seen_at timestamp not null, loaded_at timestamp);
create table if not exists ops.fates (
    archive_id integer not null, fate varchar not null, reason varchar not null, records bigint not null,
    conflicting bigint not null, primary key (archive_id, fate, reason));
create table if not exists ops.dead_letters (
    archive_id integer not null, record_offset bigint not null, reason varchar not null, occurred_at timestamp,
    first_seen_at timestamp not null, attempts integer not null, payload blob not null);
create table if not exists ops.fields (
    topic varchar not null, field varchar not null, problem varchar not null, seen_on date not null,
    first_seen_at timestamp not null, records bigint not null, primary key (topic, field, problem, seen_on));
create table if not exists ops.disposals (
    disposed_at timestamp not null, what varchar not null, rule varchar not null, older_than timestamp not null,
    records bigint not null);
create table if not exists ops.changes (kind varchar not null, day date, key varchar);
create table if not exists ops.pending_days (
    day date primary key, reason varchar not null, state varchar not null default 'pending', failed_tests varchar,
    touched_from date, touched_to date);  -- what its credit stood on before
create table if not exists ops.days (
    day date primary key, build bigint not null, withheld_reason varchar, rebuilt_for varchar not null,
    is_final boolean not null);
create table if not exists ops.settled_orders (
    order_id varchar primary key, buyer_id uuid not null, segment varchar not null, path varchar[]);
create table if not exists ops.device_owners (anonymous_id uuid not null, user_id uuid not null);
create table if not exists ops.settled_paths (
    month date not null, path varchar[] not null, non_conversions bigint not null);
create table if not exists ops.removed_events (archive_id integer primary key, records bigint not null);
create table if not exists ops.archive_spans (archive_id integer primary key, earliest timestamp, latest timestamp);
create table if not exists ops.past_sightings (
    message_id uuid not null, message_order uuid not null, occurred_at timestamp not null, anonymous_id uuid not null,
    user_id uuid not null, last_seen_at timestamp not null);
create table if not exists ops.past_buyers (person_id uuid primary key, last_ordered_on date not null);
create table if not exists ops.withdrawals (anonymous_id uuid, user_id uuid, withdrawn_at timestamp not null);
create table if not exists ops.notes (
    archive_id integer not null, field varchar not null, note varchar not null, records bigint not null,
    primary key (archive_id, field, note));
create table if not exists ops.meta (key varchar primary key, value varchar not null);
"""


@contextmanager
def region_file(settings: Settings, region: str, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a region's file; a writer makes it where it is not there, and closes it in any case.

    Raises:
        TransientError: another process holds the file and did not let go in about six seconds, or it cannot be read.
        UsageError: the file was written by a newer or older warehouse, or its key is missing or another one.
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
                con.execute(_SCHEMA)
                con.execute(table_books.SCHEMA)
                con.execute("insert or ignore into ops.meta values ('format', ?)", [str(WAREHOUSE_FORMAT)])
        if (found := meta(con, "format")) != str(WAREHOUSE_FORMAT):
            raise UsageError(f"{path} has format {found}, this version needs {WAREHOUSE_FORMAT}; start a new warehouse")
        yield con


def _has_books(con: duckdb.DuckDBPyConnection) -> bool:
    newest = "select count(*) from duckdb_tables() where schema_name = 'ops' and table_name = 'refused_rows'"
    return con.execute(newest).fetchone() == (1,)


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
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)  # records by (field, note), see ingestion.notes

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
    fates = [row for id_, one in deliveries.items() for row in _fates(id_, one)]
    archives = [
        (id_, one.landed.kind, one.landed.name, one.landed.topic, one.landed.partition, one.landed.start_offset,
         one.landed.size, one.landed.mtime_ns, one.sha256, "corrupt" if one.problem else "loaded", one.problem, 1,
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


def _fates(id_: int, one: Delivery) -> list[tuple[int, str, str, int, int]]:
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
