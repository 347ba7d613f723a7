"""From the margin of one period to that of the next, in steps that add up to the cent.

The margin here is what is left after cost of goods and advertising: revenue - refunds - cost of goods - spend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Totals:
    """A region's sums of a period, in the reporting currency."""

    orders: int = 0
    revenue: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    cogs: Decimal = Decimal(0)
    spend: Decimal = Decimal(0)
    new_customers: int = 0

    @property
    def net_revenue(self) -> Decimal:
        return self.revenue - self.refunds

    @property
    def margin(self) -> Decimal:
        return self.net_revenue - self.cogs

    @property
    def after_spend(self) -> Decimal:
        return self.margin - self.spend


@dataclass(frozen=True)
class CurrencyEffect:
    """How much of this period's sums is owed to rates that moved since the one before."""

    revenue: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    spend: Decimal = Decimal(0)

    @property
    def after_spend(self) -> Decimal:
        return self.revenue - self.refunds - self.spend


@dataclass(frozen=True)
class Step:
    """One cause, what it moved the margin by, and how it is reckoned."""

    name: str
    amount: Decimal
    meaning: str


def total(regions: Mapping[str, Totals]) -> Totals:
    """The sum over regions."""
    parts = regions.values()
    return Totals(
        orders=sum(one.orders for one in parts),
        revenue=sum((one.revenue for one in parts), Decimal(0)),
        refunds=sum((one.refunds for one in parts), Decimal(0)),
        cogs=sum((one.cogs for one in parts), Decimal(0)),
        spend=sum((one.spend for one in parts), Decimal(0)),
        new_customers=sum(one.new_customers for one in parts),
    )


def bridge(
    before: Mapping[str, Totals], now: Mapping[str, Totals], restated: Decimal, currency: CurrencyEffect
) -> tuple[Step, ...]:
    """The steps from the margin of `before`, as it was first shown, to that of `now`.

    Args:
        before: the sums of the earlier period by region, as they are known today.
        now: those of the later one.
        restated: what the earlier period's margin has moved by since it was first shown.
        currency: the part of `now` that moved rates explain; nothing else is said to be theirs.

    Returns:
        Steps whose amounts add up, with ``before - restated``, to the margin of `now`, to the cent.
    """
    was, is_ = total(before), total(now)
    revenue, cogs = _per_order(before, now)
    average = _average(was, is_)
    volume = _cents((is_.orders - was.orders) * average)
    price = _cents(Fraction(is_.revenue - currency.revenue) - _valued(now, revenue))
    cost = -_cents(Fraction(is_.cogs) - _valued(now, cogs))
    refunds = -(is_.refunds - was.refunds - currency.refunds)
    spend = -(is_.spend - was.spend - currency.spend)
    mix = is_.after_spend - was.after_spend - (volume + price + cost + refunds + spend + currency.after_spend)
    return (
        Step("Restated", restated, "How much the earlier period has changed since it was first shown."),
        Step("Volume", volume, "More or fewer orders, each at the earlier period's average margin before refunds."),
        Step("Mix", mix, "Orders in regions, new ones too, where an order leaves more or less than the average."),
        Step("Price", price,
             "A larger or smaller average order in each region, before refunds and cost of goods, which follow."),
        Step("Refunds", refunds, "More or less money given back to buyers."),
        Step("Cost of goods", cost, "A higher or lower cost of goods per order in each region."),
        Step("Spend", spend, "More or less advertising."),
        Step("Currency", currency.after_spend,
             "Exchange rates: revenue, refunds and spend of this period at the earlier one's average rates."),
    )  # fmt: skip


def _per_order(
    before: Mapping[str, Totals], now: Mapping[str, Totals]
) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """Revenue and cost of goods of an order in the earlier period, by region.

    A region that had no orders then has no earlier price from which it could differ: its own stands in for it.
    """
    revenue, cogs = {}, {}
    for name, here in now.items():
        earlier = before.get(name, here)
        basis = earlier if earlier.orders else here
        orders = basis.orders or 1
        revenue[name], cogs[name] = Fraction(basis.revenue) / orders, Fraction(basis.cogs) / orders
    return revenue, cogs


def _average(was: Totals, is_: Totals) -> Fraction:
    basis = was if was.orders else is_
    return Fraction(basis.revenue - basis.cogs) / (basis.orders or 1)


def _valued(regions: Mapping[str, Totals], per_order: Mapping[str, Fraction]) -> Fraction:
    return sum((one.orders * per_order[name] for name, one in regions.items()), Fraction(0))


def _cents(amount: Fraction) -> Decimal:
    """Half-even to the cent, by integers."""
    return Decimal(round(amount * 100)) * _CENT
