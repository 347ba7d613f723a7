"""The steps from one sum of money to another, as tables that are drawn as well."""

from __future__ import annotations

from decimal import Decimal

from operations.reports.bridge import Totals
from operations.reports.comparison import Comparison
from operations.reports.marts import Row
from operations.reports.period import Period
from operations.reports.tables import Column, Table

_COLUMNS = (Column("name", "Step", "text"), Column("amount", "Amount"), Column("meaning", "What it is", "text"))


def waterfall(whole: Totals) -> Table:
    """From revenue to what is left after advertising."""
    return Table("waterfall", "From revenue to what is left", _COLUMNS, [
        _row("Revenue", whole.revenue, "Gross, without tax and shipping.", is_total=True),
        _row("Refunds", -whole.refunds, "Money given back to buyers."),
        _row("Net revenue", whole.net_revenue, "Revenue less refunds.", is_total=True),
        _row("Cost of goods", -whole.cogs, "From the ledger, or from the configured margin rate where it has none."),
        _row("Margin", whole.margin, "Net revenue less the cost of goods.", is_total=True),
        _row("Spend", -whole.spend, "Advertising."),
        _row("Margin after spend", whole.after_spend, "What is left.", is_total=True),
    ])  # fmt: skip


def bridge_table(comparison: Comparison, period: Period) -> Table:
    """From the margin after spend of the earlier period, as it was first shown, to that of this one."""
    return Table("bridge", "Why the margin after spend moved", _COLUMNS, [
        _row(period.before_name, comparison.first_shown, "As it was first shown.", is_total=True),
        *(_row(one.name, one.amount, one.meaning) for one in comparison.steps),
        _row(period.compared_name, comparison.now.after_spend, "As it stands now.", is_total=True),
    ])  # fmt: skip


def _row(name: str, amount: Decimal, meaning: str, *, is_total: bool = False) -> Row:
    return {"name": name, "amount": amount, "meaning": meaning, "is_total": is_total}
