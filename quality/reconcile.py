"""The published figures against the landed ledger, order by order; what does not hold withholds its day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from typing import NamedTuple

import duckdb
import polars as pl

from quality import refused_rows, sli
from quality.conservation import unbalanced_days
from quality.landed_orders import Order, landed_orders, spend_currencies
from quality.landed_rates import Rates
from quality.order_matching import do_not_meet
from quality.plausible import implausible_orders
from quality.reconciliation_table import CAUSE, book_days
from quality.slo import POOLED_DAYS, objectives, pooled
from settings import Settings

_UNPRICED = pl.Schema({
    "order_id": pl.String(), "day": pl.Date(), "currency": pl.String(), "revenue_minor": pl.Int64()
})  # fmt: skip
_Orders = dict[tuple[str, date], Order]


class _Held(NamedTuple):
    """Of the ledger's orders, by order and day: those that the warehouse holds, holds exactly, and has an event of."""

    held: set[tuple[str, date]]
    right: set[tuple[str, date]]
    with_event: set[tuple[str, date]]  # that of an old order may be disposed of by now


def reconcile(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, from_day: date, to_day: date
) -> dict[date, str]:
    """Book ``finance.reconciliation_daily`` for the days just rebuilt, and tell which of them to withhold, and why.

    Call it in the transaction that settles the days, so that the rows and the verdict become visible together.

    Args:
        con: the region's file, writable; dbt has rebuilt ``finance`` for the window in it.
        from_day: first day of the window, in the region's time zone.
        to_day: last day of the window, included.

    Returns:
        For each day that must not be published the first reason found; no reason holds personal data.

    Raises:
        UnknownValueError: the configuration does not know the region.
    """
    final = _standing_days(con)
    rates = Rates(con, settings, to_day, {day for day in final if from_day <= day <= to_day})
    window = from_day, to_day
    implausible = {one.order_id for one in implausible_orders(con, settings, region, window)}
    landed = landed_orders(con, settings, region, window, rates, implausible)
    orders = {(one.order_id, one.day): one for one in landed}
    days, facts = _compare(orders, con, from_day, to_day)
    facts += refused_rows.count(con, days, from_day, to_day)
    book_days(con, region, from_day, to_day, days)
    sli.book(con, facts, from_day, to_day)
    _book_unpriced(con, orders.values(), final, from_day, to_day)
    reasons = chain(
        _without_rates(con, rates, orders.values(), from_day, to_day, final),
        _not_meeting(days, final),
        _inaccurate(con, settings, from_day, to_day),
        refused_rows.incomplete_costs(con, settings, from_day, to_day),
        unbalanced_days(con, from_day, to_day, orders.values(), final),
    )
    withheld: dict[date, str] = {}
    for day, reason in reasons:
        withheld.setdefault(day, reason)
    return dict(sorted(withheld.items()))


def _standing_days(con: duckdb.DuckDBPyConnection) -> set[date]:
    """Days that stand as they are: those that are final, and those whose raw events are disposed of."""
    days = con.execute("""
        select day from ops.days where is_final
            or day <= (select value::date from ops.meta where key = 'kept_through')""").fetchall()  # fmt: skip
    return {day for (day,) in days}


def _without_rates(
    con: duckdb.DuckDBPyConnection, rates: Rates, orders: Iterable[Order], from_day: date, to_day: date,
    final: set[date],
) -> Iterator[tuple[date, str]]:  # fmt: skip
    for day, currency in spend_currencies(con, from_day, to_day):
        if (lacking := rates.lacking(currency, day)) and day not in final:
            yield day, f"{rates.why(lacking, day)}, needed for spend"
    unpriced = "select distinct spend_on from intermediate.int_spend__daily_costs where spend_cents is null"
    if _has(con, "int_spend__daily_costs"):
        for (day,) in con.execute(f"{unpriced} and spend_on between ? and ?", [from_day, to_day]).fetchall():
            if day not in final:
                yield day, "a campaign's cost is worth more than can be computed with"
    for order in orders:
        if order.is_in_ledger and order.cents is None:
            yield order.day, (
                f"{rates.why(order.lacking, order.day)}, needed for an order" if order.lacking
                else "an order of the ledger is worth more than can be computed with"
            )  # fmt: skip


def _has(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    known = "select count(*) > 0 from duckdb_tables() where schema_name = 'intermediate' and table_name = ?"
    return con.execute(known, [table]).fetchall() == [(True,)]


def _book_unpriced(
    con: duckdb.DuckDBPyConnection, orders: Iterable[Order], final: set[date], from_day: date, to_day: date
) -> None:
    """Name the orders of events alone that hold back themselves, since they have no worth in the reporting currency."""
    con.execute("delete from ops.unpriced_orders where day between ? and ?", [from_day, to_day])
    rows = [
        (one.order_id, one.day, one.currency, one.revenue_minor) for one in orders
        if one.cents is None and not one.is_in_ledger and one.day not in final
    ]  # fmt: skip
    if rows:
        con.register("unpriced", pl.DataFrame(rows, schema=_UNPRICED, orient="row").to_arrow())
        con.execute("insert into ops.unpriced_orders by name from unpriced")
        con.unregister("unpriced")


def _not_meeting(days: dict[date, Counter[str]], final: set[date]) -> Iterator[tuple[date, str]]:
    for day, tally in sorted(days.items()):
        if do_not_meet(tally) and day not in final:
            met = f"only {tally['orders_with_both']} of {tally['orders_with_event']} orders of events are in the ledger"
            advice = (
                "both together would count them twice; have both sides send the same order number, or say which column"
                " of the ledger has the events', for example `sources: {ledger: {columns: {order_id: Id}}}`, and then"
                " `romi files reread`"
            )
            yield day, f"orders_do_not_meet: {met}, and {advice}"


def _inaccurate(
    con: duckdb.DuckDBPyConnection, settings: Settings, from_day: date, to_day: date
) -> Iterator[tuple[date, str]]:
    """Days with an order that is wrong, which are too many for the day and as many before it as one may be among."""
    promised = objectives(settings)["accuracy"]
    days = f"""
        select region, 'accuracy' as slo, date, ledger_orders as events,
            missing_in_warehouse + wrong_amounts as bad, {promised.volume or "null"}::bigint as volume
        from finance.reconciliation_daily
        where ledger_orders > 0 and date between date '{from_day}' - {POOLED_DAYS} and date '{to_day}'"""
    judged = con.execute(
        f"""select judged.date, judged_from, judged.events, judged.bad
        from ({pooled(days)}) as judged join ({days}) as own using (date)
        where own.bad > 0 and judged.date >= ? and judged.bad::hugeint * 1000000000 > judged.events::hugeint * ?
        order by all""",
        [from_day, promised.bad_e9],
    ).fetchall()
    for day, judged_from, orders, wrong in judged:
        since = f" since {judged_from}" if judged_from < day else ""
        counted = f"{wrong} of {orders} ledger orders{since} are missing or differ"
        yield day, f"accuracy below {settings.slo.accuracy}: {counted}"


def _compare(
    orders: _Orders, con: duckdb.DuckDBPyConnection, from_day: date, to_day: date
) -> tuple[dict[date, Counter[str]], list[sli.Fact]]:
    """Count by day what ledger and warehouse say of each order; on another day than the ledger's it is missing.

    Returns:
        The counts, and of each order of the ledger whether it is right and whether its event arrived.
    """
    days: dict[date, Counter[str]] = defaultdict(Counter)
    found = _count_held(orders, con, from_day, to_day, days)
    facts: list[sli.Fact] = []
    for key, order in orders.items():
        if order.has_event and (order.is_in_ledger or order.cents):
            days[order.day]["orders_with_event"] += 1
            days[order.day]["orders_with_both"] += order.is_in_ledger
        if order.is_in_ledger:
            is_right, is_matched = key in found.right, order.has_event or key in found.with_event
            _count(days[order.day], order, is_found=key in found.held, is_right=is_right, is_matched=is_matched)
            facts.append(("accuracy", order.day, order.at, not is_right))
            facts.append(("event_match_rate", order.day, order.at, not is_matched))
    return days, facts


def _count_held(
    orders: _Orders, con: duckdb.DuckDBPyConnection, from_day: date, to_day: date, days: dict[date, Counter[str]]
) -> _Held:
    """Enter what the warehouse holds into the counts; tells what it has of the orders of the ledger."""
    rows = con.execute(
        """select order_id, ordered_on, count(*), any_value(currency), any_value(revenue_cents)::bigint,
            any_value(refund_cents)::bigint, any_value(cogs_cents)::bigint, coalesce(sum(revenue_cents), 0)::bigint,
            coalesce(sum(refund_cents), 0)::bigint, bool_or(is_in_events), bool_or(conversion_type = 'Order Completed')
        from intermediate.int_orders__conversions where ordered_on between ? and ? group by all""", [from_day, to_day],
    ).fetchall()  # fmt: skip
    found = _Held(set(), set(), set())
    for order_id, day, copies, currency, *cents, revenue, refunds, had_event, is_purchase in rows:
        tally, key = days[day], (order_id, day)
        tally["warehouse_orders"] += copies
        tally["warehouse_revenue"] += revenue
        tally["warehouse_refunds"] += refunds
        order = orders.get(key)
        if order is None or not order.is_in_ledger:
            if is_purchase:  # no ledger will ever have a sign-up
                tally["missing_in_ledger"] += copies
                if order is not None:
                    tally["event_only_orders"] += copies
                    tally["event_only_revenue"] += revenue
            continue
        found.held.add(key)
        if copies == 1 and currency == order.currency and (order.cents is None or tuple(cents) == order.cents):
            found.right.add(key)
        if had_event:
            found.with_event.add(key)
    return found


def _count(tally: Counter[str], order: Order, *, is_found: bool, is_right: bool, is_matched: bool) -> None:
    """Enter an order of the ledger into the counts of its day."""
    tally["ledger_orders"] += 1
    tally["ledger_revenue"] += order.cents[0] if order.cents else 0
    tally["ledger_refunds"] += order.cents[1] if order.cents else 0
    tally["matched"] += is_matched
    tally["missing_in_warehouse"] += not is_found
    tally["wrong_amounts"] += is_found and not is_right
    if order.mismatch:
        tally["amount_mismatches"] += 1
        tally[f"{CAUSE}{order.mismatch}"] += 1
