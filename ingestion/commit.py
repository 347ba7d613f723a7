"""Commit masked archives: rows that are new, the one fate of every record, and the books, in one transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from ingestion import dead_letters, fields, readings
from ingestion.books import Delivery, book, fate_rows, new_archive_ids, transaction
from ingestion.boundary import MASKED
from ingestion.latency import SMALL, book_latency
from ingestion.notes import note
from ingestion.parquet import no_glob
from settings import OWN_TRACKS

COLUMNS = [name for name in MASKED.names() if name != "fate"]
# A staged file holds rows of several archives: which one stands above the lower 40 bits of the offset.
OFFSET_BITS = 40
_IDENTIFIERS = ("message_id", "message_order", "anonymous_id", "user_id")
_OFFSET = f"record_offset & ((1::bigint << {OFFSET_BITS}) - 1)"
# A track that the configuration counts as a conversion is an order of its own.
_ORDER_ID = f"""case when order_id is null and event is not null and event not in {OWN_TRACKS}
    then event || ':' || message_id::uuid::varchar else order_id end as order_id"""
_ROW = ", ".join([
    f"archive_id, {_OFFSET} as record_offset", _ORDER_ID,
    *[f"{name}::uuid as {name}" if name in _IDENTIFIERS else name
      for name in COLUMNS if name not in ("record_offset", "order_id")],
])  # fmt: skip
_STAGED = f"""
    from read_parquet($parts, filename = true) as rows
    join staged_parts on rows.filename = staged_parts.filename and record_offset >> {OFFSET_BITS} = number"""
_WITHOUT_COPIES = "anti join copies using (archive_id, record_offset)"


@dataclass
class Parsed(Delivery):
    """An archive that waits for its commit; its masked rows lie in files, under `number` beside those of others."""

    number: int = 0
    parts: list[Path] = field(default_factory=list)
    letters: list[Path] = field(default_factory=list)  # the same of its dead letters, sealed
    letter_bytes: int = 0
    refusals: list[pl.DataFrame] = field(default_factory=list)  # rows of REFUSALS
    opened: float = field(default_factory=time.perf_counter)


def commit(con: duckdb.DuckDBPyConnection, group: list[Parsed], now: datetime) -> None:
    """One transaction: rows that are new, the fate of every record, and which archives the planner has to look at."""
    with transaction(con):
        ids = dict(zip(new_archive_ids(con, len(group)), group, strict=True))
        _insert_new(con, ids)
        _note_withdrawals(con, ids)
        _insert_letters(con, ids, now)
        book(con, dict(ids), now)
        readings.book(con, [(archive_id, parsed.reading) for archive_id, parsed in ids.items() if not parsed.problem])
        con.execute("insert into ops.changes select 'archive', null, unnest(?)::varchar", [list(ids)])
        fields.note(con, [(one.landed.topic, one.fields) for one in group], now)
    book_latency(con, len(group), [one.opened for one in group if one.records <= SMALL and not one.problem])


def recommit(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed]) -> None:
    """In the caller's transaction: what archives gave is replaced by what they give now, all of them at once.

    So each record is taken by the first that has it, as in a load from nothing; the planner is told of the archives.
    """
    if not ids:
        return
    con.register("anew", pl.DataFrame({"archive_id": list(ids)}, schema={"archive_id": pl.Int32}).to_arrow())
    for table in ("raw.events", "ops.fates", "ops.dead_letters", "ops.removed_events", "ops.notes"):
        con.execute(f"delete from {table} where archive_id in (select archive_id from anew)")
    _insert_new(con, ids)
    _note_withdrawals(con, ids)
    _insert_letters(con, ids, datetime.min)
    con.execute("""
        update ops.dead_letters as letters set first_seen_at = archives.first_seen_at
        from ops.archives semi join anew using (archive_id) where letters.archive_id = archives.archive_id""")
    _rebook(con, ids)
    note(con, {archive_id: parsed.notes for archive_id, parsed in ids.items()})
    readings.book(con, [(archive_id, parsed.reading) for archive_id, parsed in ids.items()])
    con.execute("insert into ops.changes select 'archive', null, archive_id::varchar from anew")
    con.unregister("anew")


def _rebook(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed]) -> None:
    rows = [row for id_, one in ids.items() for row in fate_rows(id_, one)]
    con.executemany("insert into ops.fates values (?, ?, ?, ?, ?)", rows)
    records = [(one.records, id_) for id_, one in ids.items()]
    con.executemany("update ops.archives set records = ? where archive_id = ?", records)


def _note_withdrawals(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed]) -> None:
    """Who said no, whether or not anything else is known of them yet: the first and the last of each day."""
    said = [frame for parsed in ids.values() if not parsed.problem for frame in parsed.refusals]
    if not said or (refused := pl.concat(said)).is_empty():
        return
    con.register("said_no", refused.to_arrow())
    is_same = """
        refused.anonymous_id is not distinct from withdrawals.anonymous_id
        and refused.user_id is not distinct from withdrawals.user_id
        and refused.withdrawn_at::date = withdrawals.withdrawn_at::date"""
    con.execute(f"""
        create or replace temp table refused as
        with said as (
            select anonymous_id::uuid as anonymous_id, user_id::uuid as user_id, refused_at as withdrawn_at from said_no
        ),
        of_those_days as (
            from said union all select withdrawals.* from ops.withdrawals semi join said as refused on {is_same}
        )
        select anonymous_id, user_id, unnest(list_distinct([min(withdrawn_at), max(withdrawn_at)])) as withdrawn_at
        from of_those_days group by anonymous_id, user_id, of_those_days.withdrawn_at::date;
        delete from ops.withdrawals using refused where {is_same};
        insert into ops.withdrawals from refused""")
    con.unregister("said_no")


def _insert_letters(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed], now: datetime) -> None:
    """File by file, so that memory holds one."""
    files: dict[Path, dict[int, int]] = {}
    for archive_id, parsed in ids.items():
        for path in [] if parsed.problem else parsed.letters:
            files.setdefault(path, {})[parsed.number] = archive_id
    for path, numbers in files.items():
        dead_letters.add(con, path, numbers, now)


def add_replayed(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed]) -> None:
    """In the caller's transaction: insert what is new of archives booked before, and name just that to the planner."""
    _note_withdrawals(con, ids)
    if not any(parsed.parts and not parsed.problem for parsed in ids.values()):
        return
    _insert_new(con, ids)
    con.execute("""
        insert into ops.changes
        select 'event', null, message_id::varchar
        from raw.events semi join incoming using (archive_id, record_offset)""")


def _insert_new(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed]) -> None:
    """Insert the rows whose ``messageId`` is not taken, the first of the group before its copies; count them all."""
    staged = [
        (archive_id, parsed.number, str(part))
        for archive_id, parsed in ids.items() if not parsed.problem for part in parsed.parts
    ]  # fmt: skip
    if not staged:
        return
    schema = {"archive_id": pl.Int32, "number": pl.Int64, "filename": pl.String}
    con.register("staged_parts", pl.DataFrame(staged, schema=schema, orient="row").to_arrow())
    parts = {"parts": sorted({no_glob(Path(part)) for *_, part in staged})}
    con.execute(
        f"""
        create or replace temp table incoming as
        select archive_id, {_OFFSET} as record_offset, message_id::uuid as message_id, is_anonymised {_STAGED}""",
        parts,
    )
    con.execute("""
        create or replace temp table taken as
        select message_id, min(archive_id) as archive_id
        from raw.events semi join incoming using (message_id) group by message_id""")
    # A window over everything would cost more than the load; few ids come twice.
    con.execute("""
        create or replace temp table repeated as
        select message_id, min(archive_id) as archive_id
        from incoming anti join taken using (message_id) group by message_id having count(*) > 1""")
    con.execute("""
        create or replace temp table copies as
        select archive_id, record_offset from incoming semi join taken using (message_id)
        union all
        select archive_id, record_offset from (
            from incoming semi join repeated using (message_id)
            qualify row_number() over (partition by message_id order by archive_id, record_offset) > 1)""")
    con.execute(f"insert into raw.events by name from (select {_ROW} {_STAGED}) {_WITHOUT_COPIES}", parts)
    _count_fates(con, ids, parts)
    con.unregister("staged_parts")


def _count_fates(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed], parts: dict[str, list[str]]) -> None:
    """Of the staged rows: copies are duplicates, the others were loaded or anonymised."""
    counted = con.execute(f"""
        select archive_id, is_anonymised, count(*) from incoming {_WITHOUT_COPIES} group by all""").fetchall()
    for archive_id, is_anonymised, records in counted:
        ids[archive_id].count("anonymised" if is_anonymised else "loaded", records)
    meaning = [name for name in COLUMNS if name not in ("record_offset", "received_at")]
    copy, kept = (", ".join(f"{table}.{name}" for name in meaning) for table in ("copy", "events"))
    # By archive too, whose rows stand together: most of the table need not be read.
    copies = con.execute("select archive_id, count(*) from copies group by all").fetchall()
    conflicts = con.execute(
        f"""
        select copy.archive_id, count(*)
        from (from (select {_ROW} {_STAGED}) semi join copies using (archive_id, record_offset)) as copy
        join (from taken union all from repeated) as first using (message_id)
        join raw.events on events.message_id = first.message_id and events.archive_id = first.archive_id
        where row({copy}) is distinct from row({kept}) group by all""",
        parts,
    ).fetchall() if copies else []  # fmt: skip
    for archive_id, records in copies:
        ids[archive_id].count("duplicate", records)
    for archive_id, records in conflicts:
        ids[archive_id].conflicting = records
