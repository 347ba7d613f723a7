"""Sums of a period by region, from the tables whose totals are always right: orders and cost by day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from operations.reports.bridge import CurrencyEffect, Totals
from operations.reports.marts import Marts, Row
from operations.reports.period import Period

_ZERO = Decimal("0.00")


def by_region(marts: Marts, first: date, last: date) -> dict[str, Totals]:
    """What the days `first` to `last` come to in each region."""
    rows = marts.rows(
        """select region, sum(orders)::bigint as orders, sum(revenue) as revenue, sum(refunds) as refunds,
            sum(cogs) as cogs, sum(spend) as spend, sum(new_customers)::bigint as new_customers
        from (
            from finance.orders_daily select date, region, orders, revenue, refunds, cogs, 0 as spend, new_customers
            union all
            from finance.spend_daily select date, region, 0, 0, 0, 0, spend, 0
        ) where date between $first and $last group by region order by region""",
        first=first, last=last,
    )  # fmt: skip
    return {
        row["region"]: Totals(
            row["orders"], _cents(row["revenue"]), _cents(row["refunds"]), _cents(row["cogs"]), _cents(row["spend"]),
            row["new_customers"],
        )
        for row in rows
    }  # fmt: skip


def restated(marts: Marts, first: date, last: date) -> Decimal:
    """What the margin after spend of those days has moved by since each day was first shown."""
    value = marts.one(
        """select coalesce(sum(coalesce(revenue_change, 0) - coalesce(refunds_change, 0) - coalesce(cogs_change, 0)
            - coalesce(spend_change, 0)), 0)
        from finance.restatements where "table" in ('orders_daily', 'spend_daily') and date between $first and $last""",
        first=first, last=last,
    )  # fmt: skip
    return _cents(value)


def currency_effect(marts: Marts, period: Period) -> CurrencyEffect:
    """What moved rates explain of two whole months: this month's foreign money at the earlier month's average rates.

    Nothing, where the version does not publish money in its own currency, and for parts of months: rates are by month.
    """
    if not period.is_whole or not marts.has("finance.orders_by_currency", "original_revenue", "original_refunds"):
        return CurrencyEffect()
    orders = marts.rows(
        """select now.revenue, now.original_revenue, now.refunds, now.original_refunds,
            was.revenue as rated, was.original_revenue as rated_original
        from finance.orders_by_currency as now join finance.orders_by_currency as was using (region, currency)
        where now.month = $month and was.month = $before and now.original_revenue is not null
            and now.original_refunds is not null and was.original_revenue > 0""",
        month=period.month, before=period.month_before,
    )  # fmt: skip
    return CurrencyEffect(_moved(orders, "revenue"), _moved(orders, "refunds"), _spend_effect(marts, period))


def _spend_effect(marts: Marts, period: Period) -> Decimal:
    if not marts.has("finance.spend_daily", "original_currency", "original_spend"):
        return _cents(None)
    return _moved(marts.rows(
        """with months as (
            select region, original_currency as currency, date_trunc('month', date)::date as month,
                sum(spend) as spend, sum(original_spend) as original_spend
            from finance.spend_daily where original_spend is not null group by all
        )
        select now.spend, now.original_spend, was.spend as rated, was.original_spend as rated_original
        from months as now join months as was using (region, currency)
        where now.month = $month and was.month = $before and was.original_spend > 0""",
        month=period.month, before=period.month_before,
    ), "spend")  # fmt: skip


def _moved(rows: list[Row], name: str) -> Decimal:
    """What amounts come to beyond what they would at the earlier rate, ``rated / rated_original``."""
    moved = Fraction(0)
    for row in rows:
        rate = Fraction(row["rated"]) / Fraction(row["rated_original"])
        moved += Fraction(row[name]) - Fraction(row[f"original_{name}"]) * rate
    return Decimal(round(moved * 100)).scaleb(-2)


def days(marts: Marts) -> list[Row]:
    """A row for each day and what it comes to in all regions: spend, net revenue, margin, and whether it is final."""
    return marts.rows(
        """with orders as (
            select date, sum(net_revenue) as net_revenue, sum(margin) as margin from finance.orders_daily group by date
        ), cost as (
            select date, sum(spend) as spend from finance.spend_daily group by date
        ), states as (
            select date, bool_and(is_final) as is_final from finance.romi_daily group by date
        )
        select date, coalesce(spend, 0.00) as spend, coalesce(net_revenue, 0.00) as net_revenue,
            coalesce(margin, 0.00) as margin, coalesce(is_final, false) as is_final
        from orders full join cost using (date) full join states using (date) order by date"""
    )


def months(marts: Marts) -> list[Row]:
    """A row for each month and what it comes to in all regions."""
    return marts.rows(
        """select date_trunc('month', date)::date as month, sum(orders)::bigint as orders,
            sum(new_customers)::bigint as new_customers, sum(revenue) as revenue, sum(refunds) as refunds,
            sum(net_revenue) as net_revenue, sum(cogs) as cogs, sum(margin) as margin, sum(spend) as spend,
            sum(margin) - sum(spend) as after_spend,
            coalesce((select bool_and(is_final) from finance.romi_monthly as m
                where m.month = date_trunc('month', parts.date)), false) as is_final
        from (
            from finance.orders_daily
            select date, orders, new_customers, revenue, refunds, net_revenue, cogs, margin, 0.00 as spend
            union all from finance.spend_daily select date, 0, 0, 0, 0, 0, 0, 0, spend
        ) as parts group by all order by month"""
    )


def _cents(value: Decimal | int | None) -> Decimal:
    return Decimal(value or 0).quantize(_ZERO)
