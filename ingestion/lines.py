"""An archive's bytes as lines, a block of whole lines at a time: memory is bounded by a block, not by the archive."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa

from ingestion import parquet
from ingestion.compression import WholeFile
from ingestion.records import MAX_RECORD_BYTES
from ingestion.zone import File

BLOCK_BYTES = 8 << 20
BLOCK_ROWS = 10_000  # of Parquet
_LONGEST = MAX_RECORD_BYTES + 2
_NEWLINE = ord("\n")
_IS_BLANK = np.isin(np.arange(256), list(b" \t\n\r\x0b\x0c"))


@dataclass(frozen=True)
class Block:
    """Some of an archive's records, side by side in memory as they came."""

    first: int  # record's offset
    text: bytes
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def line(self, record_offset: int) -> bytes:
        """A record as it came, without the line's end."""
        n = record_offset - self.first
        return self.text[self.starts[n] : self.ends[n]].rstrip(b"\r\n")

    def lines(self) -> Iterator[bytes]:
        return map(self.line, range(self.first, self.first + len(self)))

    def table(self) -> pa.Table:
        """(record_offset, line) without a copy of the text: to a line belongs what is blank behind it.

        Nothing has tested that the text is UTF-8.
        """
        edges = np.append(self.starts, len(self.text)).astype(np.int32)
        lines = pa.StringArray.from_buffers(len(self), pa.py_buffer(edges), pa.py_buffer(self.text))
        offsets = pa.array(np.arange(self.first, self.first + len(self), dtype=np.int64))
        return pa.table({"record_offset": offsets, "line": lines})


def blocks(path: File) -> Iterator[Block]:
    """The archive's records: of text the lines that are not blank, of Parquet all rows.

    Of a line that is far beyond 1 MiB there is so much that it shows.

    Raises:
        CorruptArchiveError: it cannot be read whole.
    """
    first = 0
    for block in _of_rows(path) if parquet.is_parquet(path) else map(_of_text, _texts(path)):
        yield Block(first, *block)
        first += len(block[1])


def raw_lines(path: File) -> Iterator[bytes]:
    """An archive's records as they came, one after another.

    Raises:
        CorruptArchiveError: it cannot be read whole.
    """
    for block in blocks(path):
        yield from block.lines()


def _of_rows(path: File) -> Iterator[tuple[bytes, np.ndarray, np.ndarray]]:
    rows = parquet.lines(path)
    for row in rows:
        lines, size = [row], len(row)
        for line in islice(rows, BLOCK_ROWS - 1):
            lines.append(line)
            size += len(line)
            if size > BLOCK_BYTES:
                break
        ends = np.cumsum([len(line) + 1 for line in lines]) - 1
        yield b"\n".join(lines), np.append(0, ends[:-1] + 1), ends


def _of_text(text: bytes) -> tuple[bytes, np.ndarray, np.ndarray]:
    codes = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(codes == _NEWLINE)
    if codes[-1] != _NEWLINE:
        ends = np.append(ends, len(text))
    starts = np.append(0, ends[:-1] + 1)
    is_line = ends > starts
    if _IS_BLANK[codes[starts[is_line]]].any():
        is_line = np.logical_or.reduceat(~_IS_BLANK[codes], starts)
    return text, starts[is_line], ends[is_line]


def _texts(path: File) -> Iterator[bytes]:
    """The file's text without a byte order mark, cut behind ends of lines."""
    with WholeFile(path) as file:
        mark = file.read(len(codecs.BOM_UTF8))
        rest = b"" if mark == codecs.BOM_UTF8 else mark
        while part := file.read(BLOCK_BYTES):
            rest += part
            if end := rest.rfind(b"\n") + 1:
                yield rest[:end]
                rest = rest[end:]
            rest = _shortened(rest)
        if rest:
            yield rest


def _shortened(line: bytes) -> bytes:
    """A line that has only begun, cut where it is too long already; blanks around it do not count."""
    if len(line) <= _LONGEST:
        return line
    line = line.lstrip()
    return line[: _LONGEST - 1] + b"." if line[_LONGEST:].strip() else line[:_LONGEST]
