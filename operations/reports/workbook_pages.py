"""The sheets of the workbook, one function for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from operations.reports import sums, tie_out
from operations.reports.bridge import total
from operations.reports.channels import MONEY, campaigns_by_region, channels, regions
from operations.reports.comparison import compare
from operations.reports.first_screen import answers
from operations.reports.marts import Marts, Row
from operations.reports.models import models
from operations.reports.period import Period, choose
from operations.reports.rates import rates_of_orders, rates_of_spend
from operations.reports.tables import Column, Table, summed, with_ratios
from operations.reports.unknown import unknown
from operations.reports.what_changed import what_changed

if TYPE_CHECKING:
    from operations.reports.sheets import Book

# What follows from the columns beside it.
_LIVE = {
    "net_revenue": "{revenue}-{refunds}", "margin": "{net_revenue}-{cogs}", "after_spend": "{margin}-{spend}",
}  # fmt: skip
_ABOUT = {
    "Summary": "The month by region: the same under every model.",
    "Channels": "What each channel cost and brought, all regions together. Summed from the sheet Campaigns.",
    "Campaigns": "Every published row of the month under the linear model.",
    "Models": "The margin of each channel under each model: the span is what the choice of a model decides.",
    "Bridge": "From the margin after spend of the period before to that of this one.",
    "Months": "All months. One that is running holds the days so far; one that is not final may still move.",
    "Days": "All days of the last thirteen months. A day that is not final may still move.",
    "Not known": "What cannot be known, and how much money that is. The rows overlap and do not add up.",
    "Tie-out": "The report less the ledger, and the sheets less the days they are made of: every difference is 0.00.",
    "Rates": "The exchange rates behind the month's money.",
    "What changed": "What moved after it was first shown, in the month and the one before.",
}


@dataclass(frozen=True)
class Source:
    """What the sheets are written from."""

    marts: Marts
    period: Period
    campaigns: Table

    @property
    def in_currency(self) -> str:
        return f" In {self.marts.currency}." if self.marts.currency else ""


def source_of(marts: Marts, month: date | None) -> Source:
    period = choose(marts, month)
    return Source(marts, period, campaigns_by_region(marts, period.month))


def _sheet(book: Book, source: Source, name: str) -> Any:
    return book.sheet(name, f"{name}, {source.period.name}", f"{_ABOUT[name]}{source.in_currency}")


def read_me(book: Book, source: Source) -> None:
    marts, period = source.marts, source.period
    state = "The month is running." if period.is_running else "The month has ended."
    about = f"Version {marts.version}, built {marts.built_at:%Y-%m-%d %H:%M} UTC. {state}{source.in_currency}"
    sheet = book.sheet("Read me", f"Marketing return, {period.name}", about)
    whole = total(sums.by_region(marts, period.month, period.last))
    said = answers(marts, period, whole, compare(marts, period), channels(marts, period))
    row = 3
    for one in said:
        sheet.write_string(row, 0, one.question, book.header)
        sheet.write_string(row, 1, one.figure)
        sheet.write_string(row, 2, one.words)
        row += 1
    row += 1
    for name, about in _ABOUT.items():
        sheet.write_url(row, 0, f"internal:'{name}'!A1", string=name)
        sheet.write_string(row, 1, about)
        row += 1
    sheet.set_column(0, 0, 38)
    sheet.set_column(1, 1, 18)


def summary(book: Book, source: Source) -> None:
    book.table(_sheet(book, source, "Summary"), regions(source.marts, source.period), _LIVE)


def channels_sheet(book: Book, source: Source) -> None:
    """Sums over the sheet Campaigns by name; EXACT, since names may differ in case alone or hold wildcards."""
    from xlsxwriter.utility import xl_col_to_name

    first, last = book.FIRST + 2, book.FIRST + 1 + len(source.campaigns.rows)
    places = {column.key: xl_col_to_name(n) for n, column in enumerate(source.campaigns.columns)}
    same = f"--EXACT(Campaigns!${places['channel']}${first}:${places['channel']}${last},{{name}})"
    sums_of = {
        one.key: f"SUMPRODUCT({same},Campaigns!${places[one.key]}${first}:${places[one.key]}${last})"
        for one in MONEY if not one.ratio and one.key not in _LIVE
    }  # fmt: skip
    book.table(_sheet(book, source, "Channels"), channels(source.marts, source.period), {**sums_of, **_LIVE})


def campaigns(book: Book, source: Source) -> None:
    sheet = _sheet(book, source, "Campaigns")
    book.table(sheet, source.campaigns, _LIVE)
    if source.campaigns.rows:
        sheet.autofilter(book.FIRST, 0, book.FIRST + len(source.campaigns.rows), len(source.campaigns.columns) - 1)


def models_sheet(book: Book, source: Source) -> None:
    table = models(source.marts, source.period)
    keys = [one.key for one in table.columns if one.key not in ("name", "spend", "low", "high", "span")]
    across = f"{{{keys[0]}}}:{{{keys[-1]}}}"
    formulas = {"low": f"MIN({across})", "high": f"MAX({across})", "span": "{high}-{low}"}
    columns = table.columns
    total_row = summed(table.rows, columns, "All channels")
    book.table(_sheet(book, source, "Models"), Table(table.name, table.title, columns, table.rows, total_row), formulas)


def bridge(book: Book, source: Source) -> None:
    sheet, found = _sheet(book, source, "Bridge"), compare(source.marts, source.period)
    if found is None:
        sheet.write_string(book.FIRST, 0, "Too little is known of the month before to compare with it.")
        return
    columns = (Column("name", "Step", "text"), Column("amount", "Amount"), Column("meaning", "What it is", "text"))
    rows: list[Row] = [
        {"name": source.period.before_name, "amount": found.first_shown, "meaning": "As it was first shown."},
        *({"name": one.name, "amount": one.amount, "meaning": one.meaning} for one in found.steps),
    ]
    whole = {"name": source.period.compared_name, "amount": found.now.after_spend, "meaning": None}
    last = book.table(sheet, Table("bridge", "Bridge", columns, rows, whole))
    sheet.write_string(last, 0, "Margin after spend of the period, from the days")
    book.value(sheet, last, 1, found.now.after_spend, "money")
    sheet.write_string(last + 1, 0, "Difference")
    book.formula(sheet, last + 1, 1, f"ROUND(B{last}-B{last + 1},2)", "money", 0)


def months(book: Book, source: Source) -> None:
    columns = (
        Column("month", "Month", "month"), Column("orders", "Orders", "count"),
        Column("new_customers", "New customers", "count"), *MONEY, Column("is_final", "Final", "flag"),
    )  # fmt: skip
    rows = [with_ratios(row, columns) for row in sums.months(source.marts)]
    book.table(_sheet(book, source, "Months"), Table("months", "Months", columns, rows), _LIVE)


def days(book: Book, source: Source) -> None:
    columns = (
        Column("date", "Day", "date"), Column("spend", "Spend"), Column("net_revenue", "Net revenue"),
        Column("margin", "Margin"), Column("after_spend", "Margin after spend"), Column("is_final", "Final", "flag"),
    )  # fmt: skip
    rows = [{**row, "after_spend": row["margin"] - row["spend"]} for row in sums.days(source.marts)[-400:]]
    book.table(_sheet(book, source, "Days"), Table("days", "Days", columns, rows),
               {"after_spend": "{margin}-{spend}"})  # fmt: skip


def not_known(book: Book, source: Source) -> None:
    book.table(_sheet(book, source, "Not known"), unknown(source.marts, source.period))


def tie_out_sheet(book: Book, source: Source) -> None:
    """First the sheets against the days they are made of, then each day against the ledger."""
    sheet, truth = _sheet(book, source, "Tie-out"), tie_out.day_totals(source.marts, source.period)
    columns = (
        Column("name", "What", "text"), Column("sheet", "In the workbook"), Column("days", "By the days"),
        Column("difference", "Difference"),
    )  # fmt: skip
    checks = [
        (f"Campaigns: {one.label.lower()}", f"Campaigns!{_total_cell(book, source, one.key)}", truth[one.key])
        for one in MONEY if one.key in truth
    ]  # fmt: skip
    by_model = tie_out.models(source.marts, source.period)
    checks += [
        (f"Model {row['name']}: {one.label.lower()}", str(row[one.key]), truth[one.key])
        for row in by_model.rows for one in by_model.columns[1:]
    ]  # fmt: skip
    place = book.FIRST + 1
    for column, one in enumerate(columns):
        sheet.write_string(book.FIRST, column, one.label, book.header)
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


def _total_cell(book: Book, source: Source, key: str) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    place = [one.key for one in source.campaigns.columns].index(key)
    return str(xl_rowcol_to_cell(book.FIRST + 1 + len(source.campaigns.rows), place))


def rates(book: Book, source: Source) -> None:
    sheet, period = _sheet(book, source, "Rates"), source.period
    first = book.FIRST
    for table in (rates_of_orders(source.marts, period.month), rates_of_spend(source.marts, period.month, period.last)):
        if table:
            sheet.write_string(first, 0, table.title, book.title)
            first = book.table(sheet, table, first=first + 1) + 1
    if first == book.FIRST:
        sheet.write_string(first, 0, "This version does not publish money by currency.")


def changes(book: Book, source: Source) -> None:
    table = what_changed(source.marts, source.period.month_before, source.period.last)
    sheet = _sheet(book, source, "What changed")
    if table.rows:
        book.table(sheet, table)
    else:
        sheet.write_string(book.FIRST, 0, "Nothing has moved since it was first shown.")


PAGES = (read_me, summary, channels_sheet, campaigns, models_sheet, bridge, months, days, not_known, tie_out_sheet,
         rates, changes)  # fmt: skip
