"""Workbooks (xlsx): each sheet a table, its cells as text."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import fastexcel
import polars as pl

from ingestion.sources.tabular.grids import Grid, UnreadableTableError
from ingestion.zone import File
from settings import Source, UnknownValueError

_HEAD_ROWS, _HEAD_BYTES = 40, 64 << 10
_THOUSANDTHS = r"\.[0-9]{3}$"
_EXACT = 2**53  # beyond this a workbook's number, which is a float, has lost digits


def sheet_grids(path: File, source: Source) -> Iterator[Grid]:
    """Each of the first rows of each sheet, or of the one that `sheet:` names.

    Raises:
        UnreadableTableError: it is not a workbook, or has no such sheet.
    """
    with path.open("rb") as file:
        content = file.read()
    try:
        book = fastexcel.read_excel(content)
        names = book.sheet_names
    except fastexcel.FastExcelError as error:
        raise UnreadableTableError("it is not a workbook (xlsx); export it anew, or as CSV") from error
    if source.sheet is not None and source.sheet not in names:
        raise UnreadableTableError(str(UnknownValueError("sheet:", source.sheet, names)))
    day_zero = _day_zero(content)
    for name in names if source.sheet is None else [source.sheet]:
        text = _sheet(book, name)
        is_first = True
        for place in range(source.skip_rows, 1 + source.skip_rows if source.skip_rows else min(_HEAD_ROWS, len(text))):
            cells = [cell or "" for cell in text.row(place)] if place < len(text) else []
            while cells and not cells[-1].strip():
                cells.pop()
            if cells:
                rows = partial(_rows, book, name, text, place, len(cells))
                yield Grid(cells, rows, is_first, name, day_zero, is_text=True, line=place + 1)
                is_first = False


def _day_zero(content: bytes) -> date:
    """The day from which the workbook counts days: Excel on old Macs began with 1904."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts, parts.open("xl/workbook.xml") as part:
            is_1904 = re.search(rb"date1904=[\"'](1|true)[\"']", part.read(_HEAD_BYTES)) is not None
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError):
        is_1904 = False
    return date(1904, 1, 1) if is_1904 else date(1899, 12, 30)


def _sheet(book: Any, name: str) -> pl.DataFrame:
    """All rows of a sheet as text."""
    try:
        frame = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise UnreadableTableError("a sheet of the workbook cannot be read; export it anew, or as CSV") from error
    return frame.rename({old: str(place) for place, old in enumerate(frame.columns)})


def _rows(book: Any, name: str, text: pl.DataFrame, header: int, width: int) -> pl.DataFrame:
    numbers = _numbers(book, name, header, width)
    found = text[header + 1 :].with_row_index("line", offset=header + 2).with_columns(pl.col("line").cast(pl.Int64))
    columns = [_number(place) if place in numbers else pl.col(place) for place in map(str, range(width))]
    beyond = [pl.col(place) for place in text.columns[width:]]
    extra = pl.coalesce(beyond) if beyond else pl.lit(None, pl.String)
    return found.select(*columns, extra.alias("extra"), "line")


def _number(place: str) -> pl.Expr:
    """A column of numbers, so that nobody takes them for anything else.

    Where digits are lost, one is as a float prints it: who reads an identifier sees that it is not whole. Of one with
    three decimals the point cannot group them, as it may in text.
    """
    value = pl.col(place).cast(pl.Float64, strict=False)
    return (
        pl.when(value.abs() > _EXACT).then(value.map_elements("{:.14E}".format, return_dtype=pl.String))
        .when(pl.col(place).str.contains(_THOUSANDTHS)).then(pl.col(place) + "0")
        .otherwise(pl.col(place)).alias(place)
    )  # fmt: skip


def _numbers(book: Any, name: str, header: int, width: int) -> set[str]:
    """The columns that hold numbers and not text."""
    typed = book.load_sheet(name, header_row=None, skip_rows=header + 1, schema_sample_rows=None).to_polars()
    return {str(place) for place, kind in enumerate(typed.dtypes[:width]) if kind.is_numeric()}
