"""A file as tables of text: where its header may stand, and the rows below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from ingestion.zone import File
from settings import PermanentError, Source

TEXT_SUFFIXES = ("csv", "tsv", "txt")
_PLAIN = (*TEXT_SUFFIXES, "json", "jsonl", "ndjson")
SUFFIXES = tuple(f".{kind}{packed}" for kind in _PLAIN for packed in ("", ".gz", ".zst"))


class UnreadableTableError(PermanentError):
    """The file is not a table of its kind; `problem` says why in one line, and what to change."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


@dataclass(frozen=True)
class Grid:
    """A place in a file where the header may stand.

    ``rows()`` gives the rows below it as text in columns ``0``, ``1``, …, with ``line``, where a row ends in the file
    (in a workbook its row, in Parquet and JSON its number), and ``extra``, what stands beyond the last column.
    """

    names: list[str]
    rows: Callable[[], pl.DataFrame]
    is_first: bool = True  # nothing but blank lines stands above it
    sheet: str | None = None
    day_zero: date | None = None  # from which a workbook counts days
    above: str = ""  # the text above the header
    is_text: bool = False  # numbers stand as people may have written them, and not as a program's own
    has_commas: bool = False  # between its cells, so that those who write a decimal comma did not write it
    line: int = 1  # where the header stands


def has_table_suffix(name: str) -> bool:
    return name.lower().endswith((*SUFFIXES, ".parquet", ".xlsx"))


def kind_of(name: str) -> str:
    """The suffix that says how the file is written, without that of its compression."""
    lowered = name.lower()
    return lowered.removesuffix(".gz").removesuffix(".zst").rpartition(".")[2]


def grids(path: File, source: Source) -> Iterator[Grid]:
    """Every place where the file's header may stand, the likeliest first.

    Raises:
        UnreadableTableError: it cannot be read as what its name says.
    """
    kind = kind_of(path.name)
    if kind == "parquet":
        from ingestion.sources.tabular.record_files import parquet_grid

        yield parquet_grid(path)
    elif kind == "xlsx":
        from ingestion.sources.tabular.workbooks import sheet_grids

        yield from sheet_grids(path, source)
    elif kind in TEXT_SUFFIXES:
        from ingestion.sources.tabular.texts import text_grids

        yield from text_grids(path, source)
    else:
        from ingestion.sources.tabular.record_files import json_grid

        yield json_grid(path, source)
