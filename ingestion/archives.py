"""From an archive's bytes to plain records, in batches: memory is bounded by a batch, not by the archive."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from ingestion import parquet
from ingestion.compression import READ_BYTES, WholeFile, compression, verify
from ingestion.fields import one_in
from ingestion.formats import segment
from ingestion.records import MAX_RECORD_BYTES, PLAIN, DeadLetter, decode_text, read_record

BATCH_ROWS = 100_000
BATCH_BYTES = 32 << 20
# Of a batch of the fast reader; an archive with a longer line that it is unsure of is left to the exact one.
_FAST_ROWS, _LONG_LINE = 16_384, 32 << 10
# What DuckDB raises when a line is no JSON or no UTF-8, the file is broken, or its name is no UTF-8 (RuntimeError).
DIRTY = (duckdb.Error, RuntimeError)

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


def read_fast(con: duckdb.DuckDBPyConnection, paths: list[Path], now: datetime) -> Iterator[tuple[Path, Batch]]:
    """Read Segment archives, of one compression, whose every line is JSON: DuckDB's reader, and the exact one where
    that is unsure. Several at once share what a query costs at all.

    Raises:
        duckdb.Error: some line is no JSON or no UTF-8, or too long, or a file is broken; :func:`read_exact` tells
            which.
        CorruptArchiveError: a checksum or length does not hold, which DuckDB does not test.
    """
    for path in paths:
        verify(path)
    source = (
        "(select json as line, cast(null as bigint) as record_offset, filename from read_ndjson_objects("
        f"$paths, compression=$compression, maximum_object_size={MAX_RECORD_BYTES}, filename=true))"
    )
    parameters = {
        "now": now, "paths": [no_glob(path) for path in paths], "compression": compression(paths[0]),
        "one_in": min(map(one_in, paths)), "longest": _LONG_LINE,
    }  # fmt: skip
    starts = {str(path): 0 for path in paths}
    for part in _streamed(con.execute(segment.query(source), parameters).to_arrow_reader(_FAST_ROWS)):
        frame = pl.DataFrame(pl.from_arrow(part))
        for piece in _by_file(frame):
            name = piece["filename"][0]
            offsets = pl.int_range(starts[name], starts[name] + len(piece), dtype=pl.Int64, eager=True)
            starts[name] += len(piece)
            yield Path(name), _settle(piece.with_columns(offsets.alias("record_offset")), now)


def _streamed(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """DuckDB's errors as such: what goes wrong after the first rows comes as an OSError through Arrow.

    If it was the disk's, the exact reader meets it again.
    """
    try:
        yield from reader
    except OSError as error:
        raise duckdb.InvalidInputException("it cannot be read as JSON to its end") from error


def read_one_fast(con: duckdb.DuckDBPyConnection, path: Path, now: datetime) -> Iterator[Batch]:
    """One archive by :func:`read_fast`."""
    for _, batch in read_fast(con, [path], now):
        yield batch


def _by_file(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    start = 0
    for length in frame["filename"].rle().struct.field("len"):
        yield frame.slice(start, length)
        start += length


def read_exact(con: duckdb.DuckDBPyConnection, path: Path, now: datetime) -> Iterator[Batch]:
    """Read any Segment archive line by line; only lines that are JSON reach DuckDB.

    Raises:
        CorruptArchiveError: the archive cannot be read whole.
    """
    parameters = {"now": now, "one_in": one_in(path), "longest": MAX_RECORD_BYTES}
    for lines in _line_batches(path):
        dead, texts = _decodable([(offset, line.strip()) for offset, line in lines])
        table = pl.DataFrame(texts, schema={"record_offset": pl.Int64, "line": pl.String}, orient="row")
        con.register("line_batch", table.to_arrow())
        valid = con.execute("select coalesce(json_valid(line), false) from line_batch").pl().to_series()
        frame = con.execute(
            segment.query("(select *, null as filename from line_batch where json_valid(line))"), parameters
        ).pl()
        batch = _settle(frame.sort("record_offset"), now)
        rows, refused = _read_each(table.filter(~valid).rows(), decode_text, now)
        dead += refused + batch.dead
        for one in dead:  # kept as it came: another format may need the blanks at its ends
            one.payload = one.payload and lines[one.record_offset - lines[0][0]][1]
        yield Batch(pl.concat([batch.rows, rows]).sort("record_offset"), dead, batch.shapes)


def read_converted(path: Path, convert: Convert, now: datetime) -> Iterator[Batch]:
    """Read an archive of another source format; `convert` turns a line into a record of the Segment Spec.

    Raises:
        CorruptArchiveError: the archive cannot be read whole.
    """
    for lines in _line_batches(path):
        yield read_lines(lines, convert, now)


def read_lines(lines: list[tuple[int, bytes]], convert: Convert | None, now: datetime) -> Batch:
    """Read single lines, each with its offset, by the exact reader of their format; `convert` is None for Segment."""
    dead, texts = _decodable(lines if convert else [(offset, line.strip()) for offset, line in lines])
    rows, refused = _read_each(texts, convert or decode_text, now)
    return Batch(rows, dead + refused)


def _settle(frame: pl.DataFrame, now: datetime) -> Batch:
    """Replace the rows that the query left to the exact reader by what that one says."""
    is_open = frame["line"].is_not_null()
    left = frame.select("record_offset", "line").filter(is_open)
    rows, dead = _read_each(left.rows(), decode_text, now)
    sure = frame.filter(~is_open) if len(left) else frame
    whole = sure.select(
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in PLAIN.items()
    )
    shapes = frame["shape"].drop_nulls().value_counts()
    return Batch(pl.concat([whole, rows]).sort("record_offset") if len(left) else whole, dead, shapes.rows())


def _read_each(lines: list[tuple[int, str]], convert: Convert, now: datetime) -> tuple[pl.DataFrame, list[Dead]]:
    rows, dead = [], []
    for offset, text in lines:
        try:
            if len(text) > MAX_RECORD_BYTES // 4 and len(text.encode()) > MAX_RECORD_BYTES:
                raise DeadLetter("oversized_record")
            rows.append({**read_record(convert(text), now), "record_offset": offset})
        except DeadLetter as error:
            payload = b"" if error.reason == "oversized_record" else text.encode()
            dead.append(Dead(offset, error.reason, payload, error.occurred_at, error.field))
    return pl.DataFrame(rows, schema=PLAIN), dead


def _decodable(lines: list[tuple[int, bytes]]) -> tuple[list[Dead], list[tuple[int, str]]]:
    dead, texts = [], []
    for offset, line in lines:
        if len(line) > MAX_RECORD_BYTES:
            dead.append(Dead(offset, "oversized_record", b""))
            continue
        try:
            texts.append((offset, line.decode("utf-8")))
        except UnicodeDecodeError:
            dead.append(Dead(offset, "invalid_encoding", line))
    return dead, texts


def _line_batches(path: Path) -> Iterator[list[tuple[int, bytes]]]:
    batch: list[tuple[int, bytes]] = []
    size = 0
    for numbered in enumerate(raw_lines(path)):
        batch.append(numbered)
        size += len(numbered[1])
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def raw_lines(path: Path) -> Iterator[bytes]:
    """An archive's records as they came, one after another.

    Raises:
        CorruptArchiveError: it cannot be read whole.
    """
    yield from parquet.lines(path) if parquet.is_parquet(path) else _lines(path)


def _lines(path: Path) -> Iterator[bytes]:
    """Lines that are not blank, without their ends and a byte order mark; of one beyond 1 MiB so much that it shows."""
    longest = MAX_RECORD_BYTES + 3
    with WholeFile(path) as file:
        has_mark = file.read(3) == codecs.BOM_UTF8
    with WholeFile(path) as file:
        file.read(3 if has_mark else 0)
        while line := file.readline(longest):
            is_blank, rest = not line.strip(), line
            while len(rest) in (longest, READ_BYTES) and not rest.endswith(b"\n"):
                rest = file.readline(READ_BYTES)
                is_blank = is_blank and not rest.strip()
            if not is_blank:
                yield line.rstrip(b"\r\n")


def no_glob(path: Path) -> str:
    """The path as DuckDB's readers take it: a name with ``*``, ``?`` or ``[`` is a name and no pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
