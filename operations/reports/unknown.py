"""What cannot be known about a month, and how much money that is."""

from __future__ import annotations

from decimal import Decimal

from operations.reports.marts import MODEL, Marts, Row, ratio
from operations.reports.period import Period
from operations.reports.tables import Column, Table

UNATTRIBUTED, OTHER = "(unattributed)", "(other)"


def unknown(marts: Marts, period: Period) -> Table:
    """A row for each thing that is not known, the money it is about, and its share of the month's net revenue.

    The rows overlap: money without a channel can stand on a day that is not final. They do not add up.
    """
    money = _by_name(marts, period)
    net = money["net"]
    rows = [
        _row("Not credited to any channel", money["unattributed"], net,
             "No visit is known in the look-back window, the buyer gave no consent, or only the ledger has the order."),
        _row("In channel (other)", money["other"], net,
             "There are so few buyers, or so few new ones, that naming the channel could reveal who they are."),
        _row("In campaign (other) of a named channel", money["other_campaign"], net,
             "The channel is known, but the campaign has too few buyers to be named."),
        _row("On days that are not final", money["not_final"], net,
             f"From {money['since']} on, late events, refunds and corrections may still change them."),
        *_of_reconciliation(marts, period, net),
        *_assumed(marts, period),
    ]  # fmt: skip
    columns = (
        Column("name", "What is not known", "text"),
        Column("amount", "Money"),
        Column("share", "Share", "share", note="Of the month's net revenue, or of its cost of goods."),
        Column("why", "Why", "text"),
    )
    return Table("unknown", "What cannot be known", columns, [row for row in rows if row["amount"]])


def without_a_name(marts: Marts, period: Period) -> tuple[Decimal, Decimal]:
    """Net revenue of the month that no named channel is credited with, and all of it."""
    money = _by_name(marts, period)
    return money["unattributed"] + money["other"], money["net"]


def _by_name(marts: Marts, period: Period) -> Row:
    return marts.row(
        """select coalesce(sum(net_revenue), 0.00) as net,
            coalesce(sum(net_revenue) filter (where channel = $unattributed), 0.00) as unattributed,
            coalesce(sum(net_revenue) filter (where channel = $other), 0.00) as other,
            coalesce(sum(net_revenue) filter (where campaign = $other and channel != $other), 0.00) as other_campaign,
            (select coalesce(sum(net_revenue), 0.00) from finance.romi_daily
                where not is_final and attribution_model = $model and date_trunc('month', date) = $month) as not_final,
            (select min(date) from finance.romi_daily
                where not is_final and date_trunc('month', date) = $month) as since
        from finance.romi_monthly where month = $month and attribution_model = $model""",
        month=period.month, model=MODEL, unattributed=UNATTRIBUTED, other=OTHER,
    )  # fmt: skip


def _of_reconciliation(marts: Marts, period: Period, net: Decimal) -> list[Row]:
    amount = marts.one(
        """select coalesce(sum(event_only_revenue), 0.00) from finance.reconciliation_daily
        where date between $first and $last""",
        first=period.month, last=period.last,
    )  # fmt: skip
    why = "The shop's events report these orders but the ledger does not, so nothing confirms the money."
    return [_row("In orders known only from events", amount, net, why)]


def _assumed(marts: Marts, period: Period) -> list[Row]:
    if not marts.has("finance.orders_daily", "assumed_cogs"):
        return []
    row = marts.row(
        """select coalesce(sum(assumed_cogs), 0.00) as assumed, coalesce(sum(cogs), 0.00) as cogs
        from finance.orders_daily where date between $first and $last""",
        first=period.month, last=period.last,
    )  # fmt: skip
    why = "The ledger gives no cost of goods for these orders, so the configured margin rate stands in for it."
    return [_row("Assumed cost of goods", row["assumed"], row["cogs"], why)]


def _row(name: str, amount: Decimal, whole: Decimal, why: str) -> Row:
    return {"name": name, "amount": amount, "share": ratio(amount, whole), "why": why}
