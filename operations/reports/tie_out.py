"""The report beside the ledger, and beside its own parts: every difference is zero, or says what it is."""

from __future__ import annotations

from operations.reports.marts import Marts, Row
from operations.reports.period import Period
from operations.reports.tables import Column, Table, summed

_DAYS = (
    Column("date", "Day", "date"),
    Column("region", "Region", "text"),
    Column("revenue", "Report: revenue"),
    Column("ledger", "Ledger: revenue"),
    Column("event_only", "Orders known only from events"),
    Column("difference", "Difference"),
    Column("net_revenue", "Report: net revenue"),
    Column("warehouse_net", "Order by order: net revenue"),
    Column("net_difference", "Net difference"),
    Column("state", "Can it be used? Is it final?", "text"),
)


def days(marts: Marts, period: Period) -> Table:
    """A row for each day and region of the month: revenue of the report, of the ledger, and the difference."""
    rows = marts.rows(
        """with shown as (
            select date, region, revenue, net_revenue from finance.orders_daily where date between $first and $last
        ), judged as (
            select date, region, ledger_revenue, event_only_revenue, warehouse_net from finance.reconciliation_daily
            where date between $first and $last
        ), finality as (  -- what can be said of days that are older than those of meta.usable_days
            select date, region,
                if(bool_and(is_final), 'yes, and it is final', 'late data may still change it') as state
            from finance.romi_daily where date between $first and $last group by date, region
        )
        select date, region, coalesce(revenue, 0.00) as revenue, coalesce(ledger_revenue, 0.00) as ledger,
            coalesce(event_only_revenue, 0.00) as event_only, coalesce(net_revenue, 0.00) as net_revenue,
            coalesce(warehouse_net, 0.00) as warehouse_net, coalesce(answer, state, '') as state
        from shown full join judged using (date, region) left join meta.usable_days using (date, region)
            left join finality using (date, region)
        order by date, region""",
        first=period.month, last=period.last,
    )  # fmt: skip
    return Table("tie_out", "Tie-out: the report less the ledger", _DAYS, [_with_differences(row) for row in rows])


def by_region(marts: Marts, period: Period) -> Table:
    """A row for each region of the month: what :func:`days` says of its days, added up."""
    columns = (
        Column("name", "Region", "text"), *_DAYS[2:6],
        Column("days", "Days", "count"), Column("off", "Days that differ", "count"),
    )  # fmt: skip
    by_name: dict[str, list[Row]] = {}
    for row in days(marts, period).rows:
        by_name.setdefault(row["region"], []).append(row)
    rows = [
        {**summed(of_region, columns[:-2], name), "days": len(of_region),
         "off": sum(row["difference"] != 0 or row["net_difference"] != 0 for row in of_region)}
        for name, of_region in sorted(by_name.items())
    ]  # fmt: skip
    return Table("ledger", "The report less the ledger", columns, rows, summed(rows, columns, "All regions"))


def _with_differences(row: Row) -> Row:
    return {
        **row,
        "difference": row["revenue"] - row["ledger"] - row["event_only"],
        "net_difference": row["net_revenue"] - row["warehouse_net"],
    }


def day_totals(marts: Marts, period: Period) -> Row:
    """What the days of the month come to, from the tables that no model touches."""
    return marts.row(
        """select coalesce(sum(revenue), 0.00) as revenue, coalesce(sum(refunds), 0.00) as refunds,
            coalesce(sum(net_revenue), 0.00) as net_revenue, coalesce(sum(cogs), 0.00) as cogs,
            coalesce(sum(margin), 0.00) as margin, (
                select coalesce(sum(spend), 0.00) from finance.spend_daily where date between $first and $last
            ) as spend
        from finance.orders_daily where date between $first and $last""",
        first=period.month, last=period.last,
    )  # fmt: skip
