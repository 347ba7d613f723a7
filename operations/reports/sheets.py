"""Tables as sheets of a workbook: real numbers and dates, live formulas, and text that never becomes a formula."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from textwrap import wrap
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from operations.reports.marts import Row
from operations.reports.tables import Column, Kind, Table

_NUMBERS: dict[Kind, str] = {
    "money": "#,##0.00;[Red]-#,##0.00", "count": "#,##0", "orders": "#,##0.00", "share": "0.0%", "times": "0.00",
    "rate": "0.000000", "date": "yyyy-mm-dd", "month": "mmmm yyyy",
}  # fmt: skip
_WIDTHS: dict[Kind, int] = {"text": 30, "date": 12, "month": 16, "flag": 13, "count": 10}
_SUMMED = ("money", "count", "orders")


class Book:
    """A workbook being written; a sheet's table begins at row 4 (3 from 0), below its title."""

    FIRST = 3
    LINE = 15  # the height of a line of text, in points

    def __init__(self, workbook: Workbook) -> None:
        self.workbook = workbook
        self.title = workbook.add_format({"bold": True, "font_size": 14})
        self.muted = workbook.add_format({"font_color": "#55616E", "text_wrap": False})
        self.header = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"})
        self._text_header = workbook.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom", "align": "left", "indent": 1}
        )
        self.number_header = workbook.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom", "align": "right"}
        )
        self._formats: dict[tuple[str, bool], Format] = {}
        self._widths: dict[str, dict[int, int]] = {}
        self.question = workbook.add_format({"bold": True, "valign": "top"})
        self.paragraph = workbook.add_format({"text_wrap": True, "valign": "top"})
        # Text beside a column of numbers stands off from them.
        self._text = [workbook.add_format({"text_wrap": False, "indent": indent}) for indent in (0, 1)]
        self._quoted = [workbook.add_format({"quote_prefix": True, "indent": indent}) for indent in (0, 1)]
        self._bold = workbook.add_format({"bold": True, "top": 1})

    def number(self, kind: Kind, *, bold: bool = False) -> Format:
        """The format of a kind of number."""
        if (kind, bold) not in self._formats:
            looks = {"num_format": _NUMBERS[kind], **({"bold": True, "top": 1} if bold else {})}
            self._formats[kind, bold] = self.workbook.add_format(looks)
        return self._formats[kind, bold]

    def sheet(self, name: str, title: str, about: str) -> Worksheet:
        """A new sheet with its title and a line about it."""
        sheet: Worksheet = self.workbook.add_worksheet(name)
        sheet.write_string(0, 0, title, self.title)
        sheet.write_string(1, 0, about, self.muted)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        return sheet

    def table(
        self, sheet: Worksheet, table: Table, formulas: dict[str, str] | None = None, first: int = FIRST,
        of_total: dict[str, str] | None = None,
    ) -> int:  # fmt: skip
        """Write a table: ratios and `formulas` live in each row, and below them the sums where it has a total.

        Args:
            formulas: by column, the formula of a row, with ``{key}`` for the cell of another of its columns.
            of_total: likewise of the total, for columns whose total is not the sum of the rows.
            first: the row of the header, from 0.

        Returns:
            The row below the last one written, from 0.
        """
        columns = table.columns
        for place, column in enumerate(columns):
            looks = self.number_header
            if column.kind in ("text", "date", "month"):
                looks = self._text_header if place and column.kind == "text" else self.header
            sheet.write_string(first, place, column.label, looks)
            self.widen(sheet, place, column)
        # Not every program fits the header to its labels.
        sheet.set_row(first, self.LINE * max(len(wrap(one.label, _width(one) - 3)) for one in columns))
        if first == self.FIRST:
            sheet.freeze_panes(first + 1, 1)
            sheet.repeat_rows(first)
        for number, row in enumerate(table.rows, first + 1):
            self.row(sheet, number, columns, row, formulas or {})
        last = first + len(table.rows)
        if table.total:
            self._total(sheet, last + 1, columns, table.total, (first + 1, last), of_total or {})
        below = last + (2 if table.total else 1)
        for place, note in enumerate(table.notes, below + 1):
            sheet.write_string(place, 0, note, self.muted)
        return below + (len(table.notes) + 1 if table.notes else 0)

    def widen(self, sheet: Worksheet, place: int, column: Column) -> None:
        """Make room for a table's column: as much as the widest of all the tables on its sheet takes."""
        widths = self._widths.setdefault(sheet.get_name(), {})
        widths[place] = max(_width(column), widths.get(place, 0))
        sheet.set_column(place, place, widths[place])

    def row(self, sheet: Worksheet, number: int, columns: Sequence[Column], row: Row, formulas: dict[str, str]) -> None:
        cells = {column.key: xl_rowcol_to_cell(number, place) for place, column in enumerate(columns)}
        for place, column in enumerate(columns):
            if column.key in formulas:
                self.formula(sheet, number, place, formulas[column.key].format_map(cells), column.kind, row[column.key])
            elif column.ratio and self._is_here(column, cells):
                self.formula(sheet, number, place, _ratio(column, cells), column.kind, row[column.key])
            else:
                self.value(sheet, number, place, row.get(column.key), column.kind)

    def value(self, sheet: Worksheet, number: int, place: int, value: Any, kind: Kind) -> None:
        """One cell of data; text stays text, whatever it begins with."""
        if value is None:
            return
        if kind == "text":
            looks = self._quoted if str(value)[:1] in "=+-@\t\r" else self._text
            sheet.write_string(number, place, str(value), looks[place > 0])
        elif kind in ("date", "month"):
            sheet.write_datetime(number, place, value, self.number(kind))
        elif kind == "flag":
            sheet.write_boolean(number, place, bool(value))
        else:
            sheet.write_number(number, place, float(value), self.number(kind))

    def formula(
        self, sheet: Worksheet, number: int, place: int, text: str, kind: Kind, value: Any, *, bold: bool = False
    ) -> None:
        """A formula with the value that it comes to, for those who look at it without reckoning."""
        found = float(value) if isinstance(value, int | float | Decimal) else ""
        sheet.write_formula(number, place, f"={text}", self.number(kind, bold=bold), found)

    def _total(
        self, sheet: Worksheet, number: int, columns: Sequence[Column], row: Row, rows: tuple[int, int],
        formulas: dict[str, str],
    ) -> None:  # fmt: skip
        cells = {column.key: xl_rowcol_to_cell(number, place) for place, column in enumerate(columns)}
        for place, column in enumerate(columns):
            if place == 0:
                sheet.write_string(number, 0, str(row[column.key]), self._bold)
            elif column.key in formulas:
                text = formulas[column.key].format_map(cells)
                self.formula(sheet, number, place, text, column.kind, row[column.key], bold=True)
            elif column.ratio and self._is_here(column, cells):
                self.formula(sheet, number, place, _ratio(column, cells), column.kind, row[column.key], bold=True)
            elif column.kind in _SUMMED and not column.ratio:
                letter = xl_col_to_name(place)
                text = f"SUM({letter}{rows[0] + 1}:{letter}{rows[1] + 1})" if rows[1] >= rows[0] else "0"
                self.formula(sheet, number, place, text, column.kind, row[column.key] or 0, bold=True)
            elif column.kind in _NUMBERS and row.get(column.key) is not None:
                sheet.write_number(number, place, float(row[column.key]), self.number(column.kind, bold=True))
            else:
                sheet.write_blank(number, place, None, self._bold)

    @staticmethod
    def _is_here(column: Column, cells: dict[str, str]) -> bool:
        ratio = column.ratio
        return ratio is not None and {ratio.plus, ratio.below, ratio.minus or ratio.plus} <= set(cells)


def _width(column: Column) -> int:
    """The width of a column in characters."""
    return _WIDTHS.get(column.kind, 16)


def _ratio(column: Column, cells: dict[str, str]) -> str:
    """``(plus - minus) / below``, and nothing where there is nothing to divide by."""
    assert column.ratio
    below = cells[column.ratio.below]
    above = cells[column.ratio.plus] + (f"-{cells[column.ratio.minus]}" if column.ratio.minus else "")
    return f'IF({below}=0,"",({above})/{below})'
