"""The end of `romi demo`: what the sample shop's last full month tells, and which question to ask next."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import click
import duckdb
from rich import box
from rich.markup import escape
from rich.table import Table

from orchestration.cli.console import console
from orchestration.cli.show_status import books_table
from settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

OTHER = "(other)"


class Cell(NamedTuple):
    """A campaign of a month, over all regions, in the reporting currency; `before` is its ROMI a month earlier."""

    channel: str
    campaign: str
    spend: Decimal
    net_revenue: Decimal
    margin: Decimal
    before: float | None

    @property
    def romi(self) -> float | None:
        return float((self.margin - self.spend) / self.spend) if self.spend else None

    @property
    def fall(self) -> float:
        """What the cost would have brought more at the ROMI of before; 0 where that was no better, or is not known."""
        if self.romi is None or self.before is None:
            return 0.0
        return max(self.before - self.romi, 0.0) * float(self.spend)


def demo_summary(settings: Settings) -> None:
    """Show a month by channel and campaign, the books and their accuracy, how to open it all, and what to ask next."""
    from operations import status as warehouse_status

    overview = warehouse_status.overview(settings)
    marts = settings.published / "marts.duckdb"
    if not marts.exists():
        return
    out = console()
    with duckdb.connect(str(marts.resolve()), read_only=True) as con:
        month = _month(con)
        cells = _cells(con, month)
    out.print(_table(cells, month, settings.reporting_currency))
    out.print(books_table(overview))
    for name, one in overview["regions"].items():
        accuracy = one["slo"].get("accuracy")
        if accuracy:
            share, orders, objective = (accuracy[key] for key in ("achieved", "orders", "objective"))
            out.print(f"accuracy {name}: {share:.3%} of {orders:,} ledger orders (SLO {objective:.1%})")
    out.print(f"\npublished: {marts}")
    out.print(f"open it in any DuckDB:  ATTACH '{marts}' AS romi (READ_ONLY); FROM romi.finance.romi_daily LIMIT 20;")
    tell_of_the_report(settings)
    if question := next_question(cells):
        out.print(escape(question))


def tell_of_the_report(settings: Settings) -> None:
    """What the report says first, and where it lies."""
    from operations.reports.report import first_screen, report_file
    from orchestration.cli.report import say_first_screen

    if not (page := report_file(settings)).exists():
        return
    say_first_screen(first_screen(settings.published))
    click.echo(f"report: {page}  (`romi report --open` opens it; `--xlsx FILE` writes the workbook)")


def _month(con: DuckDBPyConnection) -> date:
    """The latest month that had ended when the version was built, or the latest there is."""
    [row] = con.execute("""
        with months as (select month, bool_or(is_partial) as is_running from finance.romi_monthly group by month)
        select coalesce(max(month) filter (is_running is not true), max(month)) from months""").fetchall()
    found: date = row[0]
    return found


def _cells(con: DuckDBPyConnection, month: date) -> list[Cell]:
    rows = con.execute(
        """
        with cells as (
            select month, channel, campaign, sum(spend) as spend, sum(net_revenue) as net_revenue, sum(margin) as margin
            from finance.romi_monthly where attribution_model = 'linear' group by month, channel, campaign
        )
        select now.channel, now.campaign, now.spend, now.net_revenue, now.margin,
            cast(before.margin - before.spend as double) / nullif(cast(before.spend as double), 0)
        from cells as now left join cells as before
            on before.channel = now.channel and before.campaign = now.campaign
            and before.month = now.month - interval 1 month
        where now.month = ?
        order by now.channel = '(other)', now.net_revenue desc, now.channel, now.campaign""",
        [month],
    ).fetchall()
    return [Cell(*row) for row in rows]


def _table(cells: list[Cell], month: date, currency: str) -> Table:
    """At most 100 columns wide, whose rows add up to the last one."""
    title = f"{month:%B %Y} in {currency}, all regions, attribution model linear"
    before = f"in {month - timedelta(days=1):%b}"  # the ROMI of the month before, beside that of the month
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("channel", no_wrap=True)
    table.add_column("campaign", overflow="fold")
    for name in ("spend", "net revenue", "margin", "ROMI", before):
        table.add_column(name, justify="right", no_wrap=True)
    none = Decimal(0)
    whole = Cell(
        "all", "", sum((one.spend for one in cells), none), sum((one.net_revenue for one in cells), none),
        sum((one.margin for one in cells), none), None,
    )  # fmt: skip
    for one in [*cells, whole]:
        if one is whole:
            table.add_section()
        money = (f"{amount:,.2f}" for amount in (one.spend, one.net_revenue, one.margin))
        shares = ("" if share is None else f"{share:+.0%}" for share in (one.romi, one.before))
        campaign = "" if one.campaign == "(none)" or one.channel == OTHER else one.campaign
        table.add_row(escape(one.channel), escape(campaign), *money, *shares)
    return table


def next_question(cells: list[Cell]) -> str | None:
    """What a reader of the table asks next, and the query that answers it: why a campaign fell, or where cost goes."""
    named = [one for one in cells if one.spend and one.channel != OTHER]
    if not named:
        return None
    columns, source = "month, region, spend, margin, romi", "romi.finance.romi_monthly"
    fallen = max(named, key=lambda one: (one.fall > 0 and one.margin < one.spend, one.fall))  # first one that loses now
    if fallen.fall > 0 and fallen.campaign != OTHER:
        name = fallen.campaign.replace("'", "''")
        return (
            f"ask next where {fallen.campaign} fell from {fallen.before:+.0%} to {fallen.romi:+.0%}, and since when:"
            f"  SELECT {columns} FROM {source} WHERE campaign = '{name}' AND attribution_model = 'linear' ORDER BY ALL;"
        )
    channel = max(named, key=lambda one: one.spend).channel
    return (
        f"ask next which campaigns of {channel} earn their cost:  SELECT campaign, {columns} FROM {source}"
        f" WHERE channel = '{channel}' AND attribution_model = 'linear' ORDER BY ALL;"
    )
