"""Load dead letters after a fix, exactly once.

Their sealed payloads are opened, read with the readers and the configuration of today, and committed by the rules of a
load. Rows, books and what is left of the letters change in one transaction: a replay that was killed did nothing, and
one that is repeated finds nothing left to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from ingestion.archives import Batch, Dead, read_lines
from ingestion.books import meta, put_meta, region_file, transaction
from ingestion.commit import Parsed, add_replayed
from ingestion.dead_letters import LETTERS, Which
from ingestion.held_key import hold_key
from ingestion.landing import Landed
from ingestion.load import region_policy, staging
from ingestion.notes import note
from ingestion.stage import Stage
from privacy.keys import Key, region_key
from privacy.sealing import unseal
from settings import PermanentError, Settings

_CHUNK_BYTES = 16 << 20  # of payloads opened at a time
_REFUSED = pl.Schema({
    "archive_id": pl.Int32(), "record_offset": pl.Int64(), "reason": pl.String(), "occurred_at": pl.Datetime("us"),
    "field": pl.String(),
})  # fmt: skip
_FATES = pl.Schema({
    "archive_id": pl.Int32(), "fate": pl.String(), "records": pl.Int64(), "conflicting": pl.Int64(),
})  # fmt: skip


@dataclass
class Replayed:
    """Where a region's replayed dead letters went, and how many were left as they are, and why."""

    records: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    dead_letter: dict[str, int] = field(default_factory=dict)  # those that still cannot be loaded, by reason
    payload_not_kept: int = 0
    table_rows: int = 0
    not_opened: int = 0
    problems: dict[str, str] = field(default_factory=dict)  # by archive: an error of ours, so nothing of it was loaded


def replay(settings: Settings, region: str, which: Which) -> Replayed:
    """Read those dead letters again and commit what can be loaded now; the others stay, with one attempt more.

    Raises:
        UsageError: a key is missing, or not the one under which the region was filled.
        TransientError: another process holds the region's file.
    """
    seal_key = region_key(settings.warehouse, region, "seal", make=False)
    policy = region_policy(settings, region)
    with region_file(settings, region) as con, staging(settings, region) as folder:
        hold_key(con, policy.key)
        with transaction(con):
            done = _choose(con, which)
            stage = Stage(folder, policy, seal_key)
            ids = {archive_id: stage.begin(landed, "") for archive_id, landed in _archives(con)}
            for archive_id, lines in _opened(con, seal_key, ids, done):
                topic = settings.topic(ids[archive_id].landed.topic)
                batch = read_lines(lines, topic.format, policy.now, policy.reading)
                stage.add(ids[archive_id], Batch(batch.rows, notes=batch.notes))
                _refuse(con, archive_id, batch.dead)
            stage.flush()
            _settle(con, ids, done)
    return done


def _choose(con: duckdb.DuckDBPyConnection, which: Which) -> Replayed:
    """List in ``chosen`` what can be read again; count what cannot."""
    where, parameters = which.where()
    con.execute(f"create or replace temp table found as from {LETTERS} where {where}", parameters)
    con.execute(
        """
        create or replace temp table chosen as
        select archive_id, record_offset, found.reason,
            sum(octet_length(payload)) over (order by archive_id, record_offset) // ? as number
        from found join ops.dead_letters using (archive_id, record_offset)
        where kind = 'events' and is_kept""",
        [_CHUNK_BYTES],
    )
    con.execute("""
        create or replace temp table refused as
        select archive_id, record_offset, reason, null::timestamp as occurred_at, null::varchar as field
        from chosen limit 0""")
    table_rows, not_kept = con.execute("""
        select count(*) filter (kind <> 'events'), count(*) filter (kind = 'events' and not is_kept)
        from found""").fetchall()[0]
    return Replayed(table_rows=table_rows, payload_not_kept=not_kept)


def _archives(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, Landed]]:
    rows = con.execute("""
        select archive_id, name, size_bytes, mtime_ns, topic, partition, start_offset from ops.archives
        semi join chosen using (archive_id) order by archive_id""").fetchall()
    for archive_id, name, *stat_and_place in rows:
        yield archive_id, Landed("events", Path(name), name, *stat_and_place)


def _opened(
    con: duckdb.DuckDBPyConnection, key: Key, ids: dict[int, Parsed], done: Replayed
) -> Iterator[tuple[int, list[tuple[int, bytes]]]]:
    """The chosen lines, archive by archive; one that does not open is taken off ``chosen``."""
    for (number,) in con.execute("select distinct number from chosen order by all").fetchall():
        rows = con.execute("""
            select archive_id, record_offset, payload
            from ops.dead_letters join chosen using (archive_id, record_offset)
            where number = ? order by archive_id, record_offset""", [number]).fetchall()  # fmt: skip
        lines: dict[int, list[tuple[int, bytes]]] = {}
        for archive_id, offset, sealed in rows:
            try:
                line = unseal(key, sealed, f"{ids[archive_id].landed.name}#{offset}")
            except PermanentError:
                done.not_opened += 1
                con.execute("delete from chosen where archive_id = ? and record_offset = ?", [archive_id, offset])
                continue
            lines.setdefault(archive_id, []).append((offset, line))
        yield from lines.items()


def _refuse(con: duckdb.DuckDBPyConnection, archive_id: int, dead: list[Dead]) -> None:
    if dead:
        rows = [(archive_id, one.record_offset, one.reason, one.occurred_at, one.field or None) for one in dead]
        con.register("still_dead", pl.DataFrame(rows, schema=_REFUSED, orient="row").to_arrow())
        con.execute("insert into refused by name from still_dead")
        con.unregister("still_dead")


def _settle(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed], done: Replayed) -> None:
    """Insert the rows, move the books, and drop the letters that were loaded or had another fate."""
    for archive_id, parsed in ids.items():
        if parsed.problem:
            done.problems[parsed.landed.name] = parsed.problem
            for table in ("chosen", "refused"):
                con.execute(f"delete from {table} where archive_id = ?", [archive_id])
    add_replayed(con, ids)
    _move_fates(con, ids)
    note(con, {archive_id: parsed.notes for archive_id, parsed in ids.items()})
    con.execute("""
        update ops.dead_letters as letters
        set reason = refused.reason, field = refused.field, occurred_at = refused.occurred_at, attempts = attempts + 1
        from refused
        where letters.archive_id = refused.archive_id and letters.record_offset = refused.record_offset""")
    con.execute("""
        delete from ops.dead_letters as letters using (from chosen anti join refused using (archive_id, record_offset))
            as settled
        where letters.archive_id = settled.archive_id and letters.record_offset = settled.record_offset""")
    done.records = con.execute("select count(*) from chosen").fetchall()[0][0]
    done.dead_letter = dict(con.execute("select reason, count(*) from refused group by all order by all").fetchall())
    for parsed in ids.values():
        for fate, records in parsed.fates.items():
            if records:
                done.fates[fate] = done.fates.get(fate, 0) + records
    if done.records:
        put_meta(con, "replays", str(int(meta(con, "replays") or 0) + 1))


def _move_fates(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed]) -> None:
    """Take the chosen off their reason and count them under their new fate.

    Raises:
        PermanentError: some archive's fates would no longer add up to its records.
    """
    fates = [
        (archive_id, fate, records, parsed.conflicting if fate == "duplicate" else 0)
        for archive_id, parsed in ids.items() for fate, records in parsed.fates.items() if records
    ]  # fmt: skip
    con.register("replayed_fates", pl.DataFrame(fates, schema=_FATES, orient="row").to_arrow())
    con.execute("""
        create or replace temp table moved as
        select archive_id, fate, reason, sum(records)::bigint as records, sum(conflicting)::bigint as conflicting
        from (
            select archive_id, 'dead_letter' as fate, reason, -1 as records, 0 as conflicting from chosen
            union all select archive_id, 'dead_letter', reason, 1, 0 from refused
            union all select archive_id, fate, '', records, conflicting from replayed_fates
        ) group by all""")
    con.unregister("replayed_fates")
    con.execute("""
        insert into ops.fates by name from moved where records <> 0
        on conflict do update set records = fates.records + excluded.records,
            conflicting = fates.conflicting + excluded.conflicting""")
    con.execute("delete from ops.fates where records = 0")
    wrong = con.execute("""
        select count(*) from (
            select archive_id from ops.fates join ops.archives using (archive_id) semi join moved using (archive_id)
            group by archive_id, archives.records
            having sum(fates.records) <> archives.records or min(fates.records) < 0)""").fetchall()[0][0]
    if wrong:
        raise PermanentError(f"the books of {wrong} archives do not add up; nothing was replayed")
