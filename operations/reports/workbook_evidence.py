"""The sheets of the workbook that vouch for the month: what is not known, what ties, and what has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from operations.reports import tie_out
from operations.reports.cause import cause
from operations.reports.channels import MONEY
from operations.reports.credit_sources import credit_sources
from operations.reports.models import OF_ALL_MODELS, models
from operations.reports.rates import rates_of_orders, rates_of_spend
from operations.reports.tables import Column, Table
from operations.reports.unknown import unknown
from operations.reports.what_changed import booked, what_changed
from operations.reports.workbook_source import Source, begin_sheet, write_where_published

if TYPE_CHECKING:
    from operations.reports.sheets import Book


def not_known(book: Book, source: Source) -> None:
    book.table(begin_sheet(book, source, "Not known"), unknown(source.marts, source.period))


def credit(book: Book, source: Source) -> None:
    found = credit_sources(source.marts, source.period)
    write_where_published(book, source, "Credit", replace(found, total=None) if found else None)


def cause_sheet(book: Book, source: Source) -> None:
    write_where_published(book, source, "Cause", cause(source.marts, source.period))


def tie_out_sheet(book: Book, source: Source) -> None:
    """First the sheets against the days they are made of, then each day against the ledger."""
    sheet, truth = begin_sheet(book, source, "Tie-out"), tie_out.day_totals(source.marts, source.period)
    columns = (
        Column("name", "What", "text"), Column("sheet", "In the workbook"), Column("days", "By the days"),
        Column("difference", "Difference"),
    )  # fmt: skip
    checks = [
        (f"Campaigns: {one.label.lower()}", f"Campaigns!{_total_cell(book, source.campaigns, one.key)}", truth[one.key])
        for one in MONEY if one.key in truth
    ]  # fmt: skip
    by_model = models(source.marts, source.period)
    checks += [
        (f"Models: margin, {one.label}", f"Models!{_total_cell(book, by_model, one.key)}", truth["margin"])
        for one in by_model.columns if one.key not in OF_ALL_MODELS
    ]  # fmt: skip
    place = book.FIRST + 1
    for column, one in enumerate(columns):
        sheet.write_string(book.FIRST, column, one.label, book.header)
        book.widen(sheet, column, one)
    for number, (name, formula, value) in enumerate(checks, place):
        sheet.write_string(number, 0, name)
        book.formula(sheet, number, 1, formula, "money", value)
        book.value(sheet, number, 2, value, "money")
        book.formula(sheet, number, 3, f"ROUND(B{number + 1}-C{number + 1},2)", "money", 0)
    formulas = {
        "difference": "ROUND({revenue}-{ledger}-{event_only},2)",
        "net_difference": "ROUND({net_revenue}-{warehouse_net},2)",
    }  # fmt: skip
    book.table(sheet, tie_out.days(source.marts, source.period), formulas, first=place + len(checks) + 1)


def _total_cell(book: Book, table: Table, key: str) -> str:
    """Where the total of a table stands that begins at the top of its sheet."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    place = [one.key for one in table.columns].index(key)
    return str(xl_rowcol_to_cell(book.FIRST + 1 + len(table.rows), place))


def rates(book: Book, source: Source) -> None:
    sheet, period = begin_sheet(book, source, "Rates"), source.period
    first = book.FIRST
    for table in (rates_of_orders(source.marts, period.month), rates_of_spend(source.marts, period.month, period.last)):
        if table:
            sheet.write_string(first, 0, table.title, book.title)
            first = book.table(sheet, table, first=first + 1) + 1
    if first == book.FIRST:
        sheet.write_string(first, 0, "This version does not publish money by currency.")


def changes(book: Book, source: Source) -> None:
    table, later = what_changed(source.marts, source.period), booked(source.marts, source.period)
    sheet = begin_sheet(book, source, "What changed")
    below = book.FIRST + 1
    if table.rows:
        below = book.table(sheet, table)
    else:
        first = source.marts.version == 1
        said = "This is the first version: nothing earlier to compare with." if first else "Nothing has changed."
        sheet.write_string(book.FIRST, 0, said)
    if later:
        sheet.write_string(below + 1, 0, later.title, book.title)
        book.table(sheet, later, first=below + 2)


EVIDENCE = (credit, cause_sheet, not_known, tie_out_sheet, rates, changes)
