"""Orders that events alone know and that are too large to be published unasked, because anyone can send an event.

Such an order is implausible where it is worth more than the ledger's whole usual day, on a day that the ledger covers
(from its first order's day to its last one's); and anywhere above an amount up to which totals hold a million of them.

The usual day is the median (the upper of two in the middle) of the days with orders in the ledger, among the day itself
and the 27 before it. Fewer than 20 orders in them do not tell what is usual; then it takes ten times the best of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import duckdb

from quality.landed_ledger import ledger_orders
from quality.landed_rates import Rates
from quality.sli import local_day
from settings import Settings

REASON = "implausible_order"
BY = "romi"  # who set it aside
USUAL_DAYS, ENOUGH_ORDERS, FEW_TIMES = 28, 20, 10
LARGEST_UNASKED_CENTS = 10**12

_IS_KNOWN = "order_id in (select order_id from raw.ledger_orders)"
# What a person has set aside or released is not judged again.
_IS_DECIDED = f"""order_id in (
    select order_id from ops.quarantine
    where order_id is not null and (set_aside_by <> '{BY}' or released_at is not null))"""
_IS_OPEN = """day not in (select day from ops.days where is_final)
    and day > coalesce((select value::date from ops.meta where key = 'kept_through'), date '0001-01-01')"""
_COMPLETED = f"""
    select order_id, {{day}} as day, currency, revenue_minor, occurred_at, message_order, message_id from raw.events
    where event = 'Order Completed' and order_id is not null and not {_IS_KNOWN} and not {_IS_DECIDED}
        and (archive_id, record_offset) not in (
            select (archive_id, record_offset) from ops.quarantine
            where archive_id is not null and released_at is null)"""
_LARGEST = f"""
    select day, currency, max(revenue_minor) from ({_COMPLETED})
    where day between $first and $last and {_IS_OPEN} group by all order by all"""
# Of an order the first event counts, unless an event cancels it.
_FIRST = f"""
    select order_id, day, currency, revenue_minor from (
        from ({_COMPLETED}) where order_id in (select order_id from ({_COMPLETED}) where day = any($days))
        qualify row_number() over (partition by order_id order by occurred_at, message_order, message_id) = 1)
    where day = any($days)
        and order_id not in (select order_id from raw.events where event = 'Order Cancelled' and order_id is not null)
    order by order_id"""
_LEDGER = f"""
    from raw.ledger_orders
    where not {_IS_DECIDED} and order_id in (
        select order_id from raw.ledger_orders where {{day}} between $first and $last)"""


@dataclass(frozen=True)
class ImplausibleOrder:
    """An order that is not published unasked, and how much it is worth, in cents of the reporting currency."""

    order_id: str
    day: date
    currency: str
    revenue_minor: int
    worth_cents: int
    usual_cents: int | None  # of the ledger's usual day; None where the ledger does not cover the day


class _Sold(NamedTuple):
    cents: int
    orders: int


def implausible_orders(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, window: tuple[date, date] = (date.min, date.max)
) -> list[ImplausibleOrder]:
    """Of the days of a window (both ends included) that are not final, the implausible orders by their id."""
    happened_on, ordered_on = (local_day(settings, region, moment) for moment in ("occurred_at", "ordered_at"))
    first, last = window
    largest = con.execute(_LARGEST.format(day=happened_on), {"first": first, "last": last}).fetchall()
    if not largest:
        return []
    last_day = max(day for day, _, _ in largest)
    rates = Rates(con, settings, last_day, ())
    begin = min(day for day, _, _ in largest) - timedelta(days=USUAL_DAYS - 1)
    sold = _sold(_by_day(con, ordered_on, begin, last_day), rates)
    covered = con.execute(f"select min({ordered_on}), max({ordered_on}) from raw.ledger_orders").fetchall()[0]
    usual = {day: _usual(day, sold, covered) for day, _, _ in largest}

    def worth(revenue: int | None, currency: str, day: date) -> int:
        return rates.cents(revenue or 0, currency, day) or 0

    def is_too_large(cents: int, day: date) -> bool:
        most = usual[day]
        return cents > LARGEST_UNASKED_CENTS or (most is not None and cents > most)

    days = sorted({day for day, currency, most in largest if is_too_large(worth(most, currency, day), day)})
    if not days:
        return []
    found = con.execute(_FIRST.format(day=happened_on), {"days": days}).fetchall()
    judged = [
        ImplausibleOrder(order_id, day, currency, revenue, worth(revenue, currency, day), usual[day])
        for order_id, day, currency, revenue in found
    ]
    return [one for one in judged if is_too_large(one.worth_cents, one.day)]


def _by_day(con: duckdb.DuckDBPyConnection, ordered_on: str, first: date, last: date) -> list[tuple[Any, ...]]:
    """The revenue and the number of the ledger's orders of some days, by day and currency."""
    rows = con.execute(_LEDGER.format(day=ordered_on), {"first": first, "last": last}).pl()
    con.register("orders_of_ledger", ledger_orders(rows).to_arrow())
    found = con.execute(f"""
        select {ordered_on} as day, currency, sum(revenue_minor)::hugeint, count(*) from orders_of_ledger
        where status <> 'cancelled' group by all having day between $first and $last order by all
    """, {"first": first, "last": last}).fetchall()  # fmt: skip
    con.unregister("orders_of_ledger")
    return found


def _sold(rows: list[tuple[date, str, int, int]], rates: Rates) -> dict[date, _Sold]:
    """What the ledger's orders of each day are worth, and how many they are; those that have no rate are left out."""
    sold: dict[date, _Sold] = defaultdict(lambda: _Sold(0, 0))
    for day, currency, minor, orders in rows:
        cents = rates.cents(minor, currency, day)
        if cents is not None:
            sold[day] = _Sold(sold[day].cents + cents, sold[day].orders + orders)
    return sold


def _usual(day: date, sold: dict[date, _Sold], covered: tuple[date | None, date | None]) -> int | None:
    """The worth above which an order of the day is implausible by the ledger; None where the ledger does not tell."""
    first, last = covered
    if first is None or last is None or not first <= day <= last:
        return None
    of_days = [sold[at] for at in (day - timedelta(days=n) for n in range(USUAL_DAYS)) if at in sold]
    worths = sorted(one.cents for one in of_days)
    if not worths:
        return None
    if sum(one.orders for one in of_days) < ENOUGH_ORDERS:
        return FEW_TIMES * worths[-1]
    return worths[len(worths) // 2]
