"""A published version as the report and the workbook read it: rows of whatever tables it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from operations.finance_tables.published_tables import Columns, columns_of
from operations.store.versions import MANIFEST
from settings import UsageError
from settings.durable import read_json

# Whose credit the report shows by channel: totals are the same under every model.
MODEL = "linear"
Row = dict[str, Any]


@dataclass(frozen=True)
class Marts:
    """An open version. A table or column that a release before did not publish is asked for by :meth:`has`."""

    con: duckdb.DuckDBPyConnection
    currency: str
    version: int
    built_at: datetime
    columns: Columns = field(repr=False)

    def has(self, table: str, *columns: str) -> bool:
        """Whether the version publishes a table, such as ``finance.romi_monthly``, with these columns."""
        return set(columns) <= set(self.columns.get(table, ())) and table in self.columns

    def rows(self, query: str, **parameters: Any) -> list[Row]:
        """The rows of a query, by column, with money as :class:`Decimal`."""
        found = self.con.execute(query, parameters or None)
        names = [one[0] for one in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def row(self, query: str, **parameters: Any) -> Row:
        """The first row of a query that has one."""
        return self.rows(query, **parameters)[0]

    def one(self, query: str, **parameters: Any) -> Any:
        """The only value of a query."""
        [value] = self.row(query, **parameters).values()
        return value


@contextmanager
def opened(version: Path) -> Iterator[Marts]:
    """Open a published version's folder, read-only.

    Raises:
        UsageError: there is no version, or it holds no month.
    """
    folder = version.resolve()  # a link may show another version in a moment
    path = folder / "marts.duckdb"
    if not path.is_file():
        raise UsageError(f"{version} holds no published version yet: `romi run` publishes one")
    with duckdb.connect(str(path), read_only=True) as con:
        columns = columns_of(con, "marts")
        found = con.execute("select max(version), max(built_at), (select count(*) from finance.romi_monthly)"
                            " from meta.versions").fetchall()  # fmt: skip
        [(number, built_at, months)] = found
        if not months:
            raise UsageError(f"{version} holds no month that a report could be about: `romi status` says what is there")
        currency = read_json(folder / MANIFEST).get("currency", "")
        yield Marts(con, currency, number, built_at, columns)


def ratio(above: Decimal | None, below: Decimal | None) -> float | None:
    """One sum of money over another; None where there is nothing to divide by."""
    return float(above / below) if above is not None and below else None


def return_on(margin: Decimal, spend: Decimal) -> float | None:
    """ROMI: what each unit of spend brought beyond itself, (margin - spend) / spend; None without spend."""
    return ratio(margin - spend, spend)


def first_of(day: date) -> date:
    """The first day of a day's month."""
    return day.replace(day=1)
