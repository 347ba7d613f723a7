"""From an archive's bytes to plain records, in batches: memory is bounded by a batch, not by the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from ingestion.compression import CorruptArchiveError
from ingestion.fields import one_in
from ingestion.formats import segment
from ingestion.lines import BLOCK_BYTES, Block, blocks
from ingestion.records import MAX_RECORD_BYTES, PLAIN, DeadLetter, decode_text, read_record

Convert = Callable[[str], dict[str, Any]]


@dataclass
class Dead:
    """A record that cannot be loaded, with its place and its bytes (none kept of one beyond 1 MiB)."""

    record_offset: int
    reason: str
    payload: bytes
    occurred_at: datetime | None = None
    field: str = ""  # the one to blame


@dataclass
class Batch:
    """Records in the order of their offsets, which count from the archive's first record."""

    rows: pl.DataFrame
    dead: list[Dead] = field(default_factory=list)
    shapes: list[tuple[str, int]] = field(default_factory=list)  # how some records are built, and how many


def parser() -> duckdb.DuckDBPyConnection:
    """A database in memory to parse with: one thread, and never a spill file, since what it holds is plain text."""
    con = duckdb.connect(":memory:", config={"threads": 1, "temp_directory": "", "memory_limit": "2GB"})
    con.execute("set enable_progress_bar = false")  # it would stand in the midst of what a command prints
    return con


def read(
    con: duckdb.DuckDBPyConnection, paths: list[Path], now: datetime
) -> Iterator[tuple[Path, Batch | CorruptArchiveError]]:
    """Read Segment archives; several at once share what a query costs at all.

    Yields:
        Each archive's batches, in their order; the error of one that cannot be read whole, of which nothing counts.
    """
    gathered: list[tuple[Path, Block]] = []
    size, each = 0, min(map(one_in, paths), default=1)
    for path in paths:
        try:
            for block in blocks(path):
                gathered.append((path, block))
                size += len(block.text)
                if size >= BLOCK_BYTES:
                    yield from _read_blocks(con, gathered, now, each)
                    gathered, size = [], 0
        except CorruptArchiveError as error:
            yield path, error
    yield from _read_blocks(con, gathered, now, each)


def read_one(con: duckdb.DuckDBPyConnection, path: Path, now: datetime) -> Iterator[Batch]:
    """One archive by :func:`read`.

    Raises:
        CorruptArchiveError: the archive cannot be read whole.
    """
    for _, batch in read(con, [path], now):
        if isinstance(batch, CorruptArchiveError):
            raise batch
        yield batch


def read_converted(path: Path, convert: Convert, now: datetime) -> Iterator[Batch]:
    """Read an archive of another source format; `convert` turns a line into a record of the Segment Spec.

    Raises:
        CorruptArchiveError: the archive cannot be read whole.
    """
    for block in blocks(path):
        yield read_lines(list(enumerate(block.lines(), block.first)), convert, now)


def read_lines(lines: list[tuple[int, bytes]], convert: Convert | None, now: datetime) -> Batch:
    """Read single lines, each with its offset, by the exact reader of their format; `convert` is None for Segment."""
    rows, dead = [], []
    for offset, line in lines:
        try:
            text = _decoded(line if convert else line.strip())
            rows.append({**read_record((convert or decode_text)(text), now), "record_offset": offset})
        except DeadLetter as error:
            payload = b"" if error.reason == "oversized_record" else line
            dead.append(Dead(offset, error.reason, payload, error.occurred_at, error.field))
    return Batch(pl.DataFrame(rows, schema=PLAIN), dead)


def _decoded(line: bytes) -> str:
    if len(line) > MAX_RECORD_BYTES:
        raise DeadLetter("oversized_record")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise DeadLetter("invalid_encoding") from None


def _read_blocks(
    con: duckdb.DuckDBPyConnection, gathered: list[tuple[Path, Block]], now: datetime, each: int
) -> Iterator[tuple[Path, Batch]]:
    """All blocks by one query, or each by its own where some line is no JSON or no UTF-8."""
    if not gathered:
        return
    tables = [block.table() for _, block in gathered]
    try:
        frame = _query(con, pa.concat_tables(tables), now, each)
    except (pa.ArrowInvalid, duckdb.Error):
        for (path, block), table in zip(gathered, tables, strict=True):
            yield path, _settle(_query(con, _clean(con, block, table), now, each), block, now)
        return
    start = 0
    for path, block in gathered:
        yield path, _settle(frame.slice(start, len(block)), block, now)
        start += len(block)


def _query(con: duckdb.DuckDBPyConnection, lines: pa.Table, now: datetime, each: int) -> pl.DataFrame:
    lines["line"].validate(full=True)
    con.register("lines", lines)
    return con.execute(segment.query("lines"), {"now": now, "one_in": each}).pl()


def _clean(con: duckdb.DuckDBPyConnection, block: Block, table: pa.Table) -> pa.Table:
    """The lines that are JSON."""
    try:
        table["line"].validate(full=True)
    except pa.ArrowInvalid:
        table = table.filter(pa.array(list(map(_is_text, block.lines()))))
    con.register("lines", table)
    return con.execute("from lines where json_valid(line)").to_arrow_table()


def _is_text(line: bytes) -> bool:
    try:
        return bool(_decoded(line))
    except DeadLetter:
        return False


def _settle(frame: pl.DataFrame, block: Block, now: datetime) -> Batch:
    """Take what the query is sure of, and of the other lines what the exact reader says."""
    sure = frame.filter(~pl.col("is_unsure"))
    rows = sure.select(
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in PLAIN.items()
    )
    shapes = frame["shape"].drop_nulls().value_counts().rows()
    is_left = np.full(len(block), True)
    is_left[sure["record_offset"].to_numpy() - block.first] = False
    if not is_left.any():
        return Batch(rows, shapes=shapes)
    left = read_lines([(n, block.line(n)) for n in (np.flatnonzero(is_left) + block.first).tolist()], None, now)
    return Batch(pl.concat([rows, left.rows]).sort("record_offset"), left.dead, shapes)
