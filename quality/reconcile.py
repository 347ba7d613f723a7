"""The published figures against the landed ledger, order by order; what does not hold withholds its day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from operator import add

import duckdb
import polars as pl

from quality.landed_orders import Order, Rates, landed_orders, spend_currencies
from settings import Settings

_Orders = dict[tuple[str, date], Order]
_MEASURES = ("revenue", "refunds", "cogs", "orders")
DAILY = {
    "date": "date", "region": "varchar", "ledger_orders": "bigint", "warehouse_orders": "bigint",
    "missing_in_warehouse": "bigint", "missing_in_ledger": "bigint", "amount_mismatches": "bigint",
    "ledger_revenue": "decimal(18,2)", "warehouse_revenue": "decimal(18,2)", "accuracy": "double",
    "event_match_rate": "double",
}  # fmt: skip


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
    rates = Rates(con, settings.reporting_currency, to_day)
    # Days whose raw events are disposed of stand as they are, final or not.
    final = {day for (day,) in con.execute("""
        select day from ops.days where is_final
            or day <= (select value::date from ops.meta where key = 'kept_through')""").fetchall()}  # fmt: skip
    withheld: dict[date, str] = {}
    for day, currency in spend_currencies(con, from_day, to_day):
        if (lacking := rates.lacking(currency, day)) and day not in final:
            withheld.setdefault(day, f"no reference rate for {lacking}, needed for spend")
    orders = {(one.order_id, one.day): one for one in landed_orders(con, settings, region, (from_day, to_day), rates)}
    for order in orders.values():
        if order.lacking and (order.is_in_ledger or order.day not in final):
            withheld.setdefault(order.day, f"no reference rate for {order.lacking}, needed for an order")
    days = _compare(orders, con, from_day, to_day)
    _book(con, region, from_day, to_day, days)
    for day, tally in days.items():
        wrong = tally["missing_in_warehouse"] + tally["amount_mismatches"]
        if Decimal(wrong) > (1 - settings.slo.accuracy) * tally["ledger_orders"]:
            reason = f"accuracy below {settings.slo.accuracy}: {wrong} of {tally['ledger_orders']} ledger orders"
            withheld.setdefault(day, f"{reason} are missing or differ")
    for day, reason in _unbalanced(con, from_day, to_day, orders, final):
        withheld.setdefault(day, reason)
    return dict(sorted(withheld.items()))


def _compare(orders: _Orders, con: duckdb.DuckDBPyConnection, from_day: date, to_day: date) -> dict[date, Counter[str]]:
    """Count by day what ledger and warehouse say of each order; on another day than the ledger's it is missing."""
    held = con.execute(
        """select order_id, ordered_on, count(*), any_value(currency), any_value(revenue_cents)::bigint,
            any_value(refund_cents)::bigint, any_value(cogs_cents)::bigint, coalesce(sum(revenue_cents), 0)::bigint,
            bool_or(is_in_events)
        from intermediate.int_orders__conversions where ordered_on between ? and ? group by all""", [from_day, to_day],
    ).fetchall()  # fmt: skip
    days: dict[date, Counter[str]] = defaultdict(Counter)
    found: set[tuple[str, date]] = set()
    for order_id, day, copies, currency, *cents, revenue, had_event in held:
        tally, order = days[day], orders.get((order_id, day))
        tally["warehouse_orders"] += copies
        tally["warehouse_revenue"] += revenue
        if order is None or not order.is_in_ledger:
            tally["missing_in_ledger"] += copies
            continue
        found.add((order_id, day))
        is_same = copies == 1 and currency == order.currency and (order.cents is None or tuple(cents) == order.cents)
        tally["amount_mismatches"] += not is_same
        # The event of an old order may be disposed of by now.
        tally["matched"] += had_event and not order.has_event
    for key, order in orders.items():
        if order.is_in_ledger:
            tally = days[order.day]
            tally["ledger_orders"] += 1
            tally["ledger_revenue"] += order.cents[0] if order.cents else 0
            tally["matched"] += order.has_event
            tally["missing_in_warehouse"] += key not in found
    return days


def _book(
    con: duckdb.DuckDBPyConnection, region: str, from_day: date, to_day: date, days: dict[date, Counter[str]]
) -> None:
    """Replace the window's rows of ``finance.reconciliation_daily``."""
    rows = []
    for day, tally in sorted(days.items()):
        landed = tally["ledger_orders"]
        wrong = tally["missing_in_warehouse"] + tally["amount_mismatches"]
        rows.append({
            "date": day, "region": region, **{name: tally[name] for name in list(DAILY)[2:7]},
            **{name: Decimal(tally[name]).scaleb(-2) for name in ("ledger_revenue", "warehouse_revenue")},
            "accuracy": 1 - wrong / landed if landed else None,
            "event_match_rate": tally["matched"] / landed if landed else None,
        })  # fmt: skip
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "ledger_revenue": pl.Decimal(18, 2), "warehouse_revenue": pl.Decimal(18, 2),
        "accuracy": pl.Float64, "event_match_rate": pl.Float64,
    }  # fmt: skip
    columns = ", ".join(f"{name} {type_}" for name, type_ in DAILY.items())
    con.execute(
        f"create schema if not exists finance; create table if not exists finance.reconciliation_daily ({columns})"
    )
    con.execute("delete from finance.reconciliation_daily where date between ? and ?", [from_day, to_day])
    if rows:
        con.register("reconciled", pl.DataFrame(rows, schema_overrides=schema).to_arrow())
        con.execute("insert into finance.reconciliation_daily by name from reconciled")
        con.unregister("reconciled")


def _unbalanced(
    con: duckdb.DuckDBPyConnection, from_day: date, to_day: date, orders: _Orders, final: set[date]
) -> Iterator[tuple[date, str]]:
    """Days on which a model loses or makes money, then those whose totals are not what the landed data say.

    What events alone say of a day came too late for a final one, so of those only the ledger is asked, order by order.
    """
    totals = _sums(con, "date, ''", "orders", "orders_daily", from_day, to_day)
    by_model = _sums(con, "date, attribution_model", "conversions", "romi_daily", from_day, to_day)
    models = con.execute("select distinct attribution_model from finance.romi_daily order by all").fetchall()
    nothing = (Decimal(0),) * len(_MEASURES)
    for day in sorted({day for day, _ in totals.keys() | by_model.keys()}):
        # A model without a row for the day has lost everything; so has a table without any model.
        for (model,) in models or [("every model",)]:
            if name := _first_difference(by_model.get((day, model), nothing), totals.get((day, ""), nothing)):
                yield day, f"not conserved: {name} of {model} in romi_daily is not that of orders_daily"
    landed: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for order in orders.values():
        if order.cents:
            of_day = landed[order.day]
            of_day[:] = (*map(add, of_day, order.cents), of_day[3] + 1)
    for day in sorted(({day for day, _ in totals} | landed.keys()) - final):
        *cents, count = landed[day]
        expected = (*(Decimal(one).scaleb(-2) for one in cents), Decimal(count))
        if name := _first_difference(totals.get((day, ""), nothing), expected):
            yield day, f"{name} of orders_daily is not that of the landed ledger and events"


def _sums(
    con: duckdb.DuckDBPyConnection, grain: str, count: str, table: str, from_day: date, to_day: date
) -> dict[tuple[date, str], tuple[Decimal, ...]]:
    summed = con.execute(
        f"""select {grain}, sum(revenue), sum(refunds), sum(cogs), sum({count}) from finance.{table}
        where date between ? and ? group by all""", [from_day, to_day],
    ).fetchall()  # fmt: skip
    return {(day, model): tuple(measures) for day, model, *measures in summed}


def _first_difference(found: tuple[Decimal, ...], expected: tuple[Decimal, ...]) -> str | None:
    return next((name for name, one, other in zip(_MEASURES, found, expected, strict=True) if one != other), None)
