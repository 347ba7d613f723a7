"""What the sheets of the workbook are written from, and what each is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from operations.reports.channels import campaigns_by_region
from operations.reports.marts import Marts
from operations.reports.period import Period, choose
from operations.reports.tables import Table

if TYPE_CHECKING:
    from operations.reports.sheets import Book

ABOUT = {
    "Summary": "The month by region: the same under every model.",
    "Channels": "What each channel cost and brought, all regions together. Summed from the sheet Campaigns.",
    "Campaigns": "Every published row of the month under the linear model.",
    "Models": "The margin of each channel under each model: the span is how much the choice of model matters.",
    "Bridge": "From the margin after spend of the previous period to that of this one.",
    "Months": "All months. The running month holds the days so far; one that is not final may still change.",
    "Days": "All days of the last thirteen months. A day that is not final may still change.",
    "Not known": "What cannot be known, and how much money that is. The rows overlap and do not add up.",
    "Payback": "What it cost to win each month's new buyers, and what share of that their margin has earned.",
    "Credit": "What became of the path to each order, as shares of revenue; what was assumed, withheld or refused.",
    "Cause": "What marketing really brought, as far as that is known: bounds, or an experiment's interval.",
    "Tie-out": "The report less the ledger, and the sheets less the days they are made of: every difference is 0.00.",
    "Rates": "The month's orders and spend by currency, and the exchange rates behind them.",
    "What changed": "What changed after it was first shown, in this month and the one before.",
}


@dataclass(frozen=True)
class Source:
    """What the sheets are written from."""

    marts: Marts
    period: Period
    campaigns: Table

    @property
    def in_currency(self) -> str:
        return f" Money in {self.marts.currency}." if self.marts.currency else ""


def source_of(marts: Marts, month: date | None) -> Source:
    period = choose(marts, month)
    return Source(marts, period, campaigns_by_region(marts, period.month))


def begin_sheet(book: Book, source: Source, name: str) -> Any:
    return book.sheet(name, f"{name}, {source.period.name}", f"{ABOUT[name]}{source.in_currency}")


def write_where_published(book: Book, source: Source, name: str, table: Table | None) -> None:
    sheet = begin_sheet(book, source, name)
    if table:
        book.table(sheet, table)
    else:
        sheet.write_string(book.FIRST, 0, "This version does not publish these figures.")
