"""A table as the page and the workbook both show it: what a column is, and how a ratio follows from others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from operations.reports.marts import Row, ratio

Kind = Literal["text", "money", "count", "orders", "share", "times", "rate", "date", "month", "flag"]


@dataclass(frozen=True)
class Ratio:
    """A division of columns' sums: ``(plus - minus) / below``; empty where `below` is 0."""

    plus: str
    below: str
    minus: str | None = None

    def of(self, row: Row) -> float | None:
        below = row[self.below]
        if row[self.plus] is None or below is None:
            return None
        return ratio(Decimal(row[self.plus]) - Decimal(row[self.minus] if self.minus else 0), Decimal(below))


@dataclass(frozen=True)
class Column:
    """One column; those with a `ratio` are reckoned from others, in the page and by formula in the workbook."""

    key: str
    label: str
    kind: Kind = "money"
    ratio: Ratio | None = None
    note: str = ""  # what it means, where the label does not say it


@dataclass(frozen=True)
class Table:
    """Rows by column key. Whoever has `children` is a sum of them, and the page opens it to show them."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: list[Row]
    total: Row | None = None
    notes: tuple[str, ...] = ()
    children: dict[int, list[Row]] = field(default_factory=dict)  # by the row's place


def summed(rows: Sequence[Row], columns: Sequence[Column], label: str) -> Row:
    """The sum of rows, under `label` in the first column; ratios are of the sums."""
    row: Row = {columns[0].key: label}
    for column in columns[1:]:
        if column.kind in ("money", "count", "orders") and not column.ratio:
            known = [one[column.key] for one in rows if one[column.key] is not None]
            row[column.key] = sum(known, Decimal(0) if column.kind != "count" else 0) if known else None
        elif not column.ratio:
            row[column.key] = _alike(rows, column)
    return with_ratios(row, columns)


def _alike(rows: Sequence[Row], column: Column) -> Any:
    """Of truth values, whether all are true; nothing of the rest."""
    return all(one[column.key] for one in rows) if column.kind == "flag" and rows else None


def with_ratios(row: Row, columns: Sequence[Column]) -> Row:
    """The row with its reckoned columns."""
    return {**row, **{one.key: one.ratio.of(row) for one in columns if one.ratio}}
