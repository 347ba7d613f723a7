"""What reading one table gives, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from privacy.keys import Key

if TYPE_CHECKING:
    from ingestion.sources.tabular.table import Table

REFUSED = pl.Schema({
    "line": pl.Int64(), "reason": pl.String(), "column_name": pl.String(), "day": pl.Date(), "until": pl.Date(),
})  # fmt: skip
# Why a row of a table is refused, and what to change; besides the reasons of records.
EXPECTED = {
    "malformed_row": "it has more cells than the header has names: quote cells that hold the delimiter",
    "invalid_encoding": "its text is not UTF-8: say `encoding:`, for example cp1252",
    "missing_field": "the cell is empty",
    "invalid_type": "the value is not one that is known here",
    "imprecise_id": "a spreadsheet has cut the number's digits: export it with the column as text",
    "invalid_timestamp": "it is not a date that can be read one way only: say `date_format:`, for example \"%d.%m.%Y\"",
    "invalid_period": "the row is for more than one day: export by day; where the column says something else, such as"
    " the end of a flight, give it the day's column instead, for example `columns: {date_until: date}`",
    "invalid_money": "it is not a number",
    "invalid_micros": "micros are whole numbers: if the cost is in the currency's unit, map its column as `spend`",
    "ambiguous_number": "the number can be read two ways: say `decimal:`, \".\" or \",\"",
    "unsigned_credit": "it is called a credit note or a refund and its revenue has no minus: write one before it, or if"
    " the row is the order itself, say in `refunded` what was given back",
    "repeated_cost": "rows of other conversions of the campaign and day say the same cost, which was spent once: export"
    " without this column",
    "ambiguous_rows": "rows of one order differ and nothing says which is right",
    "unknown_status": "the word is not among completed, refunded, partially_refunded, cancelled and those of the tool,"
    " which `romi check FILE` lists: say `status:` with what it means",
    "unknown_currency": "it is not a currency of ISO 4217",
    "currency_conflict": "the amount or its header names another currency than the row: correct one of them",
}  # fmt: skip


# What says it, in the entry of its source in romi.yaml.
_LINES = {
    "invalid_encoding": "encoding: cp1252",
    "invalid_timestamp": 'date_format: "%d.%m.%Y"',
    "ambiguous_number": 'decimal: ","',
    "unknown_status": "status: {shipped: completed}",
}


def expected_of(reason: str, name: str) -> str:
    """What was expected of a row, with the line of ``romi.yaml`` that may say it.

    Args:
        name: the file's, below its region's folder, or the key of its source under ``sources:``.
    """
    folders = name.split("/")
    source = "/".join(folders[:2]) if folders[0] == "spend" else folders[0]
    line = _LINES.get(reason) if source != "fx" else None
    said = f", in romi.yaml: `sources: {{{source}: {{{line}}}}}`" if line else ""
    return EXPECTED.get(reason, "it cannot be read") + said


@dataclass(frozen=True)
class Context:
    """What reading a row needs to know of its region."""

    key: Key
    timezone: str
    ledger_days: int
    now: datetime  # UTC, naive

    @property
    def tomorrow(self) -> date:
        """By the region's clock; a row of a later day is noted."""
        return self.now.replace(tzinfo=UTC).astimezone(ZoneInfo(self.timezone)).date() + timedelta(days=1)


@dataclass
class Read:
    """The rows of a table, each with its fate.

    `rows` has ``line`` and the columns of the kind's raw table that come from the file; `refused` those of
    :data:`REFUSED`.
    """

    table: Table
    rows: pl.DataFrame
    refused: pl.DataFrame
    expired: int = 0
    duplicates: int = 0  # equal to another row, or replaced by one that was extracted later
    conflicting: int = 0  # of these, the ones whose measures differ
    capped: dict[str, int] = field(default_factory=dict)  # refunds above their order's revenue, by column
    coarse: dict[str, int] = field(default_factory=dict)  # rows of days that may stand for months or weeks, by column
    ahead: dict[str, int] = field(default_factory=dict)  # rows of days after tomorrow, by column

    @property
    def records(self) -> int:
        return len(self.rows) + len(self.refused) + self.expired + self.duplicates
