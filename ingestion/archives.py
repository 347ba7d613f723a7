"""From an archive's bytes to plain records, in batches: memory is bounded by a batch, not by the archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from ingestion import fields
from ingestion.compression import CorruptArchiveError
from ingestion.fields import one_in
from ingestion.lines import BLOCK_BYTES, Block, blocks
from ingestion.notes import AHEAD, UNREADABLE
from ingestion.reading import DEFAULTS, Reading
from ingestion.records import MAX_RECORD_BYTES, PLAIN, DeadLetter, read_record
from ingestion.sources import ORDER_TYPES, converter, segment, unread_names
from ingestion.zone import File


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
    fields: Counter[tuple[str, str]] = field(default_factory=Counter)  # that no reader reads, see ingestion.fields
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)  # see ingestion.notes


class Reader:
    """Reads Segment archives: by one query what it is sure of, every other line by the exact reader.

    The query runs in a database in memory: one thread, and never a spill file, since what it holds is plain text.
    """

    def __init__(self, now: datetime, reading: Reading = DEFAULTS) -> None:
        """`now`: UTC, naive."""
        self.now, self.reading = now, reading
        self.con = duckdb.connect(":memory:", config={"threads": 1, "temp_directory": "", "memory_limit": "2GB"})
        self.con.execute("set enable_progress_bar = false")  # it would stand in the midst of what a command prints
        self._lines = _Lines()
        self.con.register("lines", self._lines)
        self.con.execute(f"prepare reading as {segment.query('lines', now)}")

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    def read(self, paths: list[File]) -> Iterator[tuple[File, Batch | CorruptArchiveError]]:
        """Read archives; several at once share what a query costs at all.

        Yields:
            Each archive's batches, in their order; the error of one that cannot be read whole, of which nothing counts.
        """
        gathered: list[_Gathered] = []
        for path in paths:
            try:
                for block in blocks(path):
                    gathered.append(_Gathered(path, block, one_in(path)))
                    if sum(len(one.block.text) for one in gathered) >= BLOCK_BYTES:
                        yield from self._read_blocks(gathered)
                        gathered = []
            except CorruptArchiveError as error:
                yield path, error
        yield from self._read_blocks(gathered)

    def read_one(self, path: File) -> Iterator[Batch]:
        """One archive.

        Raises:
            CorruptArchiveError: the archive cannot be read whole.
        """
        for _, batch in self.read([path]):
            if isinstance(batch, CorruptArchiveError):
                raise batch
            yield batch

    def _read_blocks(self, gathered: list[_Gathered]) -> Iterator[tuple[File, Batch]]:
        """All blocks by one query, or each by its own where some line is no JSON or no UTF-8."""
        if not gathered:
            return
        try:
            frame = self._query(pa.concat_tables([one.table() for one in gathered]))
        except (pa.ArrowInvalid, duckdb.Error):
            for one in gathered:
                frame = self._query(self._clean(one))
                yield one.path, _settle(_plain(frame), frame["shape"], one.block, self._exactly)
            return
        rows, start, taken = _plain(frame), 0, 0
        for one in gathered:
            of_block = frame.slice(start, len(one.block))
            sure = int((~of_block["is_unsure"]).sum())
            yield one.path, _settle(rows.slice(taken, sure), of_block["shape"], one.block, self._exactly)
            start, taken = start + len(of_block), taken + sure

    def _exactly(self, lines: list[tuple[int, bytes]]) -> Batch:
        return read_lines(lines, "segment", self.now, self.reading)

    def _query(self, lines: pa.Table) -> pl.DataFrame:
        lines["line"].validate(full=True)
        self._lines.table = lines
        try:
            return segment.with_consent(self.con.execute("execute reading").pl(), self.reading)
        finally:
            self._lines.table = _NO_LINES

    def _clean(self, gathered: _Gathered) -> pa.Table:
        """The lines that are JSON."""
        table = gathered.table()
        try:
            table["line"].validate(full=True)
        except pa.ArrowInvalid:
            table = table.filter(pa.array(list(map(_is_text, gathered.block.lines()))))
        self._lines.table = table
        return self.con.execute("from lines where json_valid(line)").to_arrow_table()


_NO_LINES = pa.table({
    "record_offset": pa.array([], pa.int64()), "line": pa.array([], pa.string()), "one_in": pa.array([], pa.uint64()),
})  # fmt: skip


class _Lines:
    """What the prepared query reads: it asks for the rows at every run. Planning it takes longer than 5,000 rows."""

    table = _NO_LINES

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@dataclass(frozen=True)
class _Gathered:
    path: File
    block: Block
    one_in: int

    def table(self) -> pa.Table:
        each = pa.array(np.full(len(self.block), self.one_in, np.uint64))
        return self.block.table().append_column("one_in", each)


def read_converted(path: File, source_format: str, now: datetime, reading: Reading) -> Iterator[Batch]:
    """Read an archive of another source format than Segment's.

    Raises:
        CorruptArchiveError: the archive cannot be read whole.
    """
    each = one_in(path)
    for block in blocks(path):
        batch = read_lines(list(enumerate(block.lines(), block.first)), source_format, now, reading)
        sampled = (line for line in block.lines() if fields.is_sampled(line, each))
        names = (unread_names(source_format, line.decode("utf-8", "replace")) for line in sampled)
        batch.fields += fields.count_names(names)
        yield batch


def read_lines(lines: list[tuple[int, bytes]], source_format: str, now: datetime, reading: Reading = DEFAULTS) -> Batch:
    """Read single lines, each with its offset, by the exact reader of their format."""
    rows, dead = [], []
    convert, order_types = converter(source_format, reading), ORDER_TYPES[source_format]
    noted: Counter[tuple[str, str]] = Counter()
    for offset, line in lines:
        passed: set[str] = set()
        try:
            text = _decoded(line.strip() if source_format == "segment" else line)
            row = read_record(convert(text), now, order_types, reading, passed.add)
            rows.append({**row, "record_offset": offset})
            noted.update((name, AHEAD if name == "timestamp" else UNREADABLE) for name in passed)
        except DeadLetter as error:
            payload = b"" if error.reason == "oversized_record" else line
            dead.append(Dead(offset, error.reason, payload, error.occurred_at, error.field))
    return Batch(pl.DataFrame(rows, schema=PLAIN), dead, notes=noted)


def _decoded(line: bytes) -> str:
    if len(line) > MAX_RECORD_BYTES:
        raise DeadLetter("oversized_record")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise DeadLetter("invalid_encoding") from None


def _is_text(line: bytes) -> bool:
    try:
        return bool(_decoded(line))
    except DeadLetter:
        return False


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Of what the query found, the records that it is sure of."""
    return frame.filter(~pl.col("is_unsure")).select(
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in PLAIN.items()
    )


def _settle(
    rows: pl.DataFrame, shapes: pl.Series, block: Block, exactly: Callable[[list[tuple[int, bytes]]], Batch]
) -> Batch:
    """The block's records as the query is sure of them, and of its other lines what the exact reader says."""
    known = fields.count(shapes.drop_nulls().value_counts().rows())
    if len(rows) == len(block):
        return Batch(rows, fields=known)
    is_left = np.full(len(block), True)
    is_left[rows["record_offset"].to_numpy() - block.first] = False
    left = exactly([(n, block.line(n)) for n in (np.flatnonzero(is_left) + block.first).tolist()])
    return Batch(pl.concat([rows, left.rows]).sort("record_offset"), left.dead, known, left.notes)
