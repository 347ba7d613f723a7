"""The exchange rates behind a month's money."""

from __future__ import annotations

from datetime import date

from operations.reports.marts import Marts
from operations.reports.tables import Column, Table

_RATE = "What one unit of it is worth in the reporting currency, by the ECB's reference rate."


def rates_of_orders(marts: Marts, month: date) -> Table | None:
    """A row for each region and currency of the month's orders; None where the version does not say."""
    if not marts.has("finance.orders_by_currency", "original_revenue", "average_rate"):
        return None
    columns = (
        Column("region", "Region", "text"), Column("currency", "Currency", "text"), Column("orders", "Orders", "count"),
        Column("original_revenue", "Revenue, in its currency"), Column("original_refunds", "Refunds, in its currency"),
        Column("revenue", "Revenue"), Column("refunds", "Refunds"),
        Column("average_rate", "Average rate", "rate", note=_RATE),
    )  # fmt: skip
    rows = marts.rows(
        f"""select {", ".join(one.key for one in columns)} from finance.orders_by_currency where month = $month
        order by region, currency""",
        month=month,
    )
    return Table("rates", "Orders by region and currency", columns, rows)


def rates_of_spend(marts: Marts, first: date, last: date) -> Table | None:
    """A row for each day and currency of spend; None where the version does not say."""
    if not marts.has("finance.spend_daily", "original_currency", "original_spend", "rate"):
        return None
    columns = (
        Column("date", "Day", "date"), Column("currency", "Currency", "text"),
        Column("original_spend", "Spend, in its currency"), Column("spend", "Spend"),
        Column("rate", "Rate", "rate", note=_RATE),
    )  # fmt: skip
    rows = marts.rows(
        """select date, original_currency as currency, sum(original_spend) as original_spend, sum(spend) as spend,
            any_value(rate) as rate
        from finance.spend_daily where date between $first and $last and original_currency is not null
        group by date, original_currency order by date, currency""",
        first=first, last=last,
    )  # fmt: skip
    return Table("rates_of_spend", "Spend by day and currency", columns, rows)
