"""Dead letters: seal them, and as the books have them count them, look at one, drop what is past its period."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ingestion.archives import Dead
from ingestion.expected import expected
from ingestion.landing import Landed
from ingestion.parquet import no_glob
from ingestion.records import REASONS
from ingestion.sources.tabular.read import EXPECTED
from privacy.keys import Key
from privacy.sealing import OVERHEAD_BYTES, seal, unseal
from settings import PermanentError, UnknownValueError, UsageError

LETTERS = f"""(
    select archive_id, record_offset, dead_letters.reason, occurred_at, dead_letters.first_seen_at,
        dead_letters.attempts, kind, name, topic, coalesce(field, '') as field,
        dead_letters.reason <> 'oversized_record' or octet_length(payload) > {OVERHEAD_BYTES} as is_kept
    from ops.dead_letters join ops.archives using (archive_id))"""


SEALED = pl.Schema({
    "number": pl.Int64(), "record_offset": pl.Int64(), "reason": pl.String(), "occurred_at": pl.Datetime("us"),
    "payload": pl.Binary(), "field": pl.String(),
})  # fmt: skip


@dataclass(frozen=True)
class Which:
    """Some of a region's dead letters; what is None does not narrow them.

    Raises:
        UnknownValueError: there is no such reason.
    """

    reason: str | None = None
    topic: str | None = None
    name: str | None = None  # the archive's, as the books have it
    archive_id: int | None = None
    record_offset: int | None = None

    def __post_init__(self) -> None:
        known = {*REASONS, *EXPECTED}
        if self.reason is not None and self.reason not in known:
            raise UnknownValueError("reason", self.reason, list(known))

    def where(self) -> tuple[str, dict[str, Any]]:
        """A condition on :data:`LETTERS`, and its parameters."""
        given = {column: value for column, value in asdict(self).items() if value is not None}
        return " and ".join(["true", *[f"{column} = ${column}" for column in given]]), given


@dataclass(frozen=True)
class Letter:
    """Where a dead letter stands and why it is one; never what it says."""

    archive_id: int
    archive: str
    kind: str
    topic: str
    record_offset: int  # of the archive's first record: 0; in a file of spend, ledger or fx: the line
    reason: str
    first_seen_at: datetime
    attempts: int
    occurred_at: datetime | None
    is_payload_kept: bool
    field: str = ""  # the one to blame, '' where it is the whole line

    @property
    def expected(self) -> str:
        """What the field was expected to be."""
        return expected(self.reason, self.field)


def sealed(key: Key, landed: Landed, dead: Dead, number: int = 0) -> tuple[Any, ...]:
    """A row of :data:`SEALED`; `number` tells the archives in a file of them apart."""
    payload = seal(key, dead.payload, f"{landed.name}#{dead.record_offset}")
    return number, dead.record_offset, dead.reason, dead.occurred_at, payload, dead.field or None


def add(con: duckdb.DuckDBPyConnection, rows: pl.DataFrame | Path, ids: dict[int, int], now: datetime) -> None:
    """Keep the sealed letters of the archives that `ids` has by number. Call it in the transaction of the books."""
    numbers = pl.DataFrame(list(ids.items()), schema={"number": pl.Int64, "archive_id": pl.Int32}, orient="row")
    con.register("numbers", numbers.to_arrow())
    parameters: dict[str, Any] = {"now": now}
    if isinstance(rows, Path):
        source, parameters["path"] = "read_parquet($path)", no_glob(rows)
    else:
        source = "sealed_letters"
        con.register(source, rows.to_arrow())
    con.execute(
        f"""insert into ops.dead_letters by name
        select archive_id, record_offset, reason, occurred_at, $now::timestamp as first_seen_at, 1 as attempts,
            payload, field
        from {source} join numbers using (number)""",
        parameters,
    )
    con.unregister("numbers")
    con.unregister("sealed_letters")


def parse_id(text: str) -> tuple[str, Which]:
    """The region and the place that ``eu:12:345`` names.

    Raises:
        UsageError: it is no id.
    """
    region, *place = text.split(":")
    if len(place) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in place):
        raise UsageError(f"{text!r} is not the id of a dead letter, such as eu:12:345 (region, archive, offset)")
    return region, Which(archive_id=int(place[0]), record_offset=int(place[1]))


def summary(con: duckdb.DuckDBPyConnection, which: Which) -> list[dict[str, Any]]:
    """Dead letters by kind, topic, reason and day of arrival; `payloads` counts those that a replay can read.

    `fields` has those that are to blame ('' for whole lines), each with what was expected of it.

    Those whose payload was dropped after its period still count, and have no original time any more.
    """
    where, parameters = which.where()
    found = con.execute(f"""
        with known as (
            select archive_id, reason, count(*) filter (is_kept and kind = 'events') as payloads,
                list_distinct(list(field)) as fields,
                min(occurred_at) as earliest, max(occurred_at) as latest, max(attempts) as attempts
            from {LETTERS} group by all
        ),
        counted as (
            select archive_id, kind, topic, name, reason, first_seen_at::date as first_seen_on, fates.records
            from ops.fates join ops.archives using (archive_id) where fate = 'dead_letter'
        )
        select kind, topic, reason, first_seen_on, sum(records)::bigint as records,
            coalesce(sum(payloads), 0)::bigint as payloads,
            list_sort(list_distinct(flatten(list(coalesce(fields, []))))) as fields,
            min(earliest) as earliest, max(latest) as latest, max(attempts) as attempts
        from counted left join known using (archive_id, reason) where {where}
        group by all order by all""", parameters)  # fmt: skip
    names = [column[0] for column in found.description or []]
    groups = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    for group in groups:
        group["fields"] = {field: expected(group["reason"], field) for field in group["fields"]}
    return groups


def letters(con: duckdb.DuckDBPyConnection, which: Which, limit: int) -> list[Letter]:
    """Single dead letters, those of the newest archive first."""
    where, parameters = which.where()
    rows = con.execute(
        f"""
        select archive_id, name, kind, topic, record_offset, reason, first_seen_at, attempts, occurred_at, is_kept,
            field
        from {LETTERS} where {where} order by archive_id desc, record_offset limit {limit}""",
        parameters,
    ).fetchall()
    return [Letter(*row) for row in rows]


def payload(con: duckdb.DuckDBPyConnection, key: Key, letter: Letter) -> bytes:
    """What the record said, as it came: personal data.

    Raises:
        PermanentError: none was kept, or it does not open with this key.
    """
    if not letter.is_payload_kept:
        raise PermanentError(f"the payload of {letter.archive}#{letter.record_offset} was not kept: it is over 1 MiB")
    place = [letter.archive_id, letter.record_offset]
    query = "select payload from ops.dead_letters where archive_id = ? and record_offset = ?"
    return unseal(key, con.execute(query, place).fetchall()[0][0], f"{letter.archive}#{letter.record_offset}")


def dispose(con: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Drop the letters first seen before that (UTC, naive); their fate stays in the books.

    Returns:
        How many were dropped; the caller books them.
    """
    return con.execute("delete from ops.dead_letters where first_seen_at < ?", [before]).fetchall()[0][0]
