"""The sheets of the workbook that show the month: what was spent, what came back, and how it moved."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from operations.reports import sums
from operations.reports.bridge import total
from operations.reports.channels import MONEY, channels, regions
from operations.reports.cohorts import cohorts
from operations.reports.comparison import compare
from operations.reports.first_screen import answers
from operations.reports.marts import Row
from operations.reports.models import OF_ALL_MODELS, models
from operations.reports.tables import Column, Table, with_ratios
from operations.reports.trend import state
from operations.reports.workbook_source import ABOUT, Source, begin_sheet, write_where_published

if TYPE_CHECKING:
    from operations.reports.sheets import Book

_ANSWER = 90  # the width of an answer, in characters
# What follows from the columns beside it.
_LIVE = {
    "net_revenue": "{revenue}-{refunds}", "margin": "{net_revenue}-{cogs}", "after_spend": "{margin}-{spend}",
}  # fmt: skip


def read_me(book: Book, source: Source) -> None:
    marts, period = source.marts, source.period
    state = "The month is running." if period.is_running else "The month has ended."
    about = f"Version {marts.version}, built {marts.built_at:%Y-%m-%d %H:%M} UTC. {state}{source.in_currency}"
    sheet = book.sheet("Read me", f"Marketing return, {period.name}", about)
    whole = total(sums.by_region(marts, period.month, period.last))
    said = answers(marts, period, whole, compare(marts, period), channels(marts, period))
    row = 3
    for one in said:
        sheet.write_string(row, 0, one.question, book.question)
        sheet.write_string(row, 1, one.figure, book.paragraph)
        sheet.write_string(row, 2, one.words, book.paragraph)
        sheet.set_row(row, book.LINE * len(wrap(one.words, _ANSWER - 8)))  # not every program fits it to the text
        row += 1
    row += 1
    for name, about in ABOUT.items():
        sheet.write_url(row, 0, f"internal:'{name}'!A1", string=name)
        sheet.write_string(row, 1, about)
        row += 1
    sheet.set_column(0, 0, 38)
    sheet.set_column(1, 1, 18)
    sheet.set_column(2, 2, _ANSWER)


def summary(book: Book, source: Source) -> None:
    book.table(begin_sheet(book, source, "Summary"), regions(source.marts, source.period), _LIVE)


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
    book.table(begin_sheet(book, source, "Channels"), channels(source.marts, source.period), {**sums_of, **_LIVE})


def campaigns(book: Book, source: Source) -> None:
    sheet = begin_sheet(book, source, "Campaigns")
    book.table(sheet, source.campaigns, _LIVE)
    if source.campaigns.rows:
        sheet.autofilter(book.FIRST, 0, book.FIRST + len(source.campaigns.rows), len(source.campaigns.columns) - 1)


def models_sheet(book: Book, source: Source) -> None:
    table = models(source.marts, source.period)
    keys = [one.key for one in table.columns if one.key not in OF_ALL_MODELS]
    across = f"{{{keys[0]}}}:{{{keys[-1]}}}"
    formulas = {"low": f"MIN({across})", "high": f"MAX({across})", "span": "{high}-{low}"}
    book.table(begin_sheet(book, source, "Models"), table, formulas, of_total=formulas)


def bridge(book: Book, source: Source) -> None:
    sheet, found = begin_sheet(book, source, "Bridge"), compare(source.marts, source.period)
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
    sheet.write_string(last, 0, "The sum of the days")
    book.value(sheet, last, 1, found.now.after_spend, "money")
    sheet.write_string(last + 1, 0, "Difference")
    book.formula(sheet, last + 1, 1, f"ROUND(B{last}-B{last + 1},2)", "money", 0)


def months(book: Book, source: Source) -> None:
    columns = (
        Column("month", "Month", "month"), Column("state", "State", "text"), Column("orders", "Orders", "count"),
        Column("new_customers", "New customers", "count"), *MONEY,
    )  # fmt: skip
    rows = [with_ratios({**row, "state": state(source.marts, row)}, columns) for row in sums.months(source.marts)]
    book.table(begin_sheet(book, source, "Months"), Table("months", "Months", columns, rows), _LIVE)


def days(book: Book, source: Source) -> None:
    columns = (
        Column("date", "Day", "date"), Column("spend", "Spend"), Column("net_revenue", "Net revenue"),
        Column("margin", "Margin"), Column("after_spend", "Margin after spend"), Column("is_final", "Final", "flag"),
    )  # fmt: skip
    rows = [{**row, "after_spend": row["margin"] - row["spend"]} for row in sums.days(source.marts)[-400:]]
    book.table(begin_sheet(book, source, "Days"), Table("days", "Days", columns, rows),
               {"after_spend": "{margin}-{spend}"})  # fmt: skip


def payback(book: Book, source: Source) -> None:
    write_where_published(book, source, "Payback", cohorts(source.marts))


PAGES = (read_me, summary, channels_sheet, campaigns, models_sheet, bridge, months, days, payback)
