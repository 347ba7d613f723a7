"""Separated text: its encoding, its delimiter, and where its header stands."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from functools import partial
from typing import Literal

import polars as pl

from ingestion.compression import CorruptArchiveError, WholeFile
from ingestion.sources.tabular.grids import Grid, UnreadableTableError, kind_of
from ingestion.zone import File
from settings import Source

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
DELIMITERS = (",", ";", "\t", "|")
_HEAD_LINES, _HEAD_BYTES = 40, 256 << 10
_SEPARATOR = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)


# How files of other kinds begin, and what to do with them.
_OTHER_KINDS = {
    b"PK": "it is a zip archive or a workbook and not text: unpack it, or call it .xlsx if it is a workbook",
    b"\x1f\x8b": "it is compressed by gzip: its name has to end in .gz",
    b"\x28\xb5\x2f\xfd": "it is compressed by Zstandard: its name has to end in .zst",
    b"\xd0\xcf\x11\xe0": "it is a workbook of an old Excel: save it as .xlsx or as CSV",
    b"PAR1": "it is Parquet: its name has to end in .parquet",
    b"%PDF": "it is a PDF and not a table: export it as CSV or XLSX",
}


def file_bytes(path: File) -> bytes:
    """The file's plain bytes, whole.

    Raises:
        UnreadableTableError: it is compressed and damaged.
    """
    try:
        with WholeFile(path) as file:
            return file.read()
    except CorruptArchiveError as error:
        raise UnreadableTableError(f"{error.problem}; ask upstream for the file anew") from error


def utf8(raw: bytes, encoding: str | None) -> bytes:
    """The text as UTF-8 without a byte-order mark; bytes that are no UTF-8 stay, unless an encoding is configured.

    Raises:
        UnreadableTableError: it is not text in its encoding.
    """
    mark, found = next(((mark, name) for mark, name in _BOMS if raw.startswith(mark)), (b"", encoding or "utf-8"))
    if found == "utf-8":
        if b"\x00" in raw[:4096]:
            raise UnreadableTableError(_not_text(raw))
        return raw[len(mark) :]
    try:
        return raw.decode(found).encode("utf-8", "replace")
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableTableError(f"it is not text in {found}; say its `encoding:`") from error


def _not_text(raw: bytes) -> str:
    """What to change where a file that is named as text has zero bytes."""
    known = next((advice for start, advice in _OTHER_KINDS.items() if raw.startswith(start)), None)
    return known or "it has zero bytes where text is expected; say `encoding: utf-16-le`, or export UTF-8"


def text_grids(path: File, source: Source) -> Iterator[Grid]:
    """Each of the first lines under each delimiter; with `skip_rows:` the line after those alone.

    Raises:
        UnreadableTableError: its bytes are not text.
    """
    text = utf8(file_bytes(path), source.encoding)
    if b"\r" in text and b"\n" not in text:
        text = text.replace(b"\r", b"\n")  # as old Macs end lines
    head = text[:_HEAD_BYTES].decode("utf-8", "replace").splitlines(keepends=True)[:_HEAD_LINES]
    first = source.skip_rows
    delimiters: tuple[str, ...] = DELIMITERS
    if kind_of(path.name) == "tsv":
        delimiters = ("\t", ",", ";", "|")
    if first < len(head) and (match := _SEPARATOR.fullmatch(head[first])):
        first, delimiters = first + 1, (match[1],)
    is_first = True
    for number in range(first, 1 + first if source.skip_rows else len(head)):
        if number >= len(head) or not head[number].strip(' \t\r\n,;|"'):
            continue
        for delimiter in delimiters:
            if delimiter in head[number] or delimiter == delimiters[0]:
                names, lines = _first_row(head[number:], delimiter)
                rows = partial(_rows, text, number + lines, delimiter, len(names))
                above, has_commas = "".join(head[:number]), delimiter == ","
                yield Grid(names, rows, is_first, above=above, is_text=True, has_commas=has_commas, line=number + 1)
        is_first = False


def _first_row(lines: list[str], delimiter: str) -> tuple[list[str], int]:
    """The names in the first row, and how many lines it takes."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        return [name.strip() for name in next(reader)], reader.line_num
    except (csv.Error, StopIteration):
        return [], 1


def _rows(text: bytes, above: int, delimiter: str, width: int) -> pl.DataFrame:
    """The rows below so many lines, `width` columns of them."""
    names = [str(place) for place in range(width)] + ["extra"]
    schema = pl.Schema(dict.fromkeys(names, pl.String()))
    encoding: Literal["utf8", "utf8-lossy"] = "utf8" if text.isascii() else "utf8-lossy"  # which reads more slowly
    try:
        frame = pl.read_csv(
            text, has_header=False, skip_lines=above, separator=delimiter, schema=schema, encoding=encoding,
            truncate_ragged_lines=True, missing_columns="insert", extra_columns="ignore",
        )  # fmt: skip
    except pl.exceptions.NoDataError:
        frame = schema.to_frame()
    except pl.exceptions.PolarsError:
        return _stray_quotes(text[_end_of_line(text, above) :], above, delimiter, schema)
    return frame.with_columns(_line_ends(frame, above, text))


def _end_of_line(text: bytes, number: int) -> int:
    """Where the line of that number ends, or the text does."""
    end = 0
    for _ in range(number):
        end = text.find(b"\n", end) + 1
        if not end:
            return len(text)
    return end


def _line_ends(frame: pl.DataFrame, above: int, text: bytes) -> pl.Series:
    """The line of the file in which each row ends: a quoted cell may go over several."""
    is_quoted = b'"' in text
    if not is_quoted or text.count(b"\n") + (not text.endswith(b"\n")) == above + len(frame):
        return pl.int_range(above + 1, above + 1 + len(frame), eager=True, dtype=pl.Int64).alias("line")
    breaks = frame.select(pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True))).to_series()
    return (above + (breaks.fill_null(0).cast(pl.Int64) + 1).cum_sum()).alias("line")


def _stray_quotes(body: bytes, above: int, delimiter: str, schema: pl.Schema) -> pl.DataFrame:
    """The same for text that has a quotation mark within a cell, as in ``24" screen``, which Polars refuses."""
    reader = csv.reader(io.StringIO(body.decode("utf-8", "replace"), newline=""), delimiter=delimiter, strict=True)
    width, rows = len(schema), []
    try:
        for cells in reader:
            rows.append([*(cells + [None] * width)[:width], above + reader.line_num])
    except csv.Error as error:
        line = above + reader.line_num
        raise UnreadableTableError(f"it is not a table of separated text at line {line}: {error}") from error
    return pl.DataFrame(rows, schema={**schema, "line": pl.Int64}, orient="row")
