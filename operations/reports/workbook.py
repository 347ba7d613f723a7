"""`romi report --xlsx`: the report's tables as a workbook that reckons, and ties to the ledger."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path

from operations.reports.marts import opened
from operations.reports.workbook_evidence import EVIDENCE
from operations.reports.workbook_pages import PAGES
from operations.reports.workbook_source import source_of
from settings.durable import write_durably


def write_workbook(version: Path, out: Path, *, month: date | None = None) -> None:
    """Write a month of a published version as a workbook: real numbers and dates, live formulas.

    The same version and month give the same bytes.

    Args:
        version: a version's folder, with ``marts.duckdb``, or the link to one.
        out: the file to write; one that is there is replaced whole.
        month: any day of the month; by default the last whole one that has one to compare with.

    Raises:
        UsageError: there is no version, or it holds nothing of the month.
        OSError: the file cannot be written.
    """
    from xlsxwriter import Workbook

    from operations.reports.sheets import Book

    written = BytesIO()
    with opened(version) as marts:
        workbook = Workbook(written, {"in_memory": True})
        workbook.set_properties({"title": "Marketing return", "created": marts.built_at})
        workbook.set_calc_mode("auto")
        source = source_of(marts, month)
        book = Book(workbook)
        for write in (*PAGES, *EVIDENCE):
            write(book, source)
        workbook.close()
    out.parent.mkdir(parents=True, exist_ok=True)
    write_durably(out, written.getvalue(), mode=0o640)
