"""How the two sides of an order meet: whether they speak of the same orders, and why their amounts differ."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import duckdb

from settings import Settings

# The rates of value added tax that are in force somewhere, in per mille.
_TAX_RATES = (25, 26, 38, 40, 48, 50, 55, 60, 70, 77, 80, 81, 85, 90, 95, 100, 110, 120, 130, 135, 140, 150, 160, 170,
              175, 180, 190, 200, 210, 220, 230, 240, 250, 255, 270)  # fmt: skip
DAYS = 28
FEWEST_ORDERS = 20  # on each side, below which it is not judged whether the sides meet


def cause_of_mismatch(ledger: tuple[str, int], event: tuple[str, int, int, int]) -> str | None:
    """Why an order's event says another amount than the ledger, both net; None where they agree.

    Args:
        ledger: currency and revenue, in minor units.
        event: currency, revenue, tax and all that was paid, in minor units.
    """
    currency, net = ledger
    event_currency, revenue, tax, paid = event
    if currency != event_currency:
        return "another currency"
    if revenue == net:
        return None
    shipping = paid - revenue - tax
    if revenue - net == tax or _is_taxed(net, revenue):
        return "gross against net: the event's revenue includes tax"
    if shipping and revenue - net == shipping:
        return "the event's revenue includes shipping"
    if shipping and revenue - net == tax + shipping:
        return "the event's revenue includes tax and shipping"
    if _is_taxed(revenue, net):
        return "gross against net: the ledger's revenue includes tax"
    return "no common cause"


def _is_taxed(net: int, gross: int) -> bool:
    """Whether `gross` is `net` with a tax upon it, but for a rounding."""
    return net > 0 and any(abs(gross * 1000 - net * (1000 + rate)) <= 1000 for rate in _TAX_RATES)


def do_not_meet(tally: Counter[str]) -> bool:
    """Whether ledger and events number their orders differently, so that adding them up would double the revenue."""
    enough = tally["ledger_orders"] >= FEWEST_ORDERS and tally["orders_with_event"] >= FEWEST_ORDERS
    return enough and tally["orders_with_both"] * 2 < tally["orders_with_event"]


def warnings(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[str]:
    """Of the last 28 days that the ledger covers: orders that only events know, and amounts that differ, a line each.

    A share is told where there are orders enough for one of them to be within the objective.
    """
    built = "select count(*) from duckdb_tables() where schema_name = 'finance' and table_name = 'reconciliation_daily'"
    if con.execute(built).fetchall() == [(0,)]:
        return []
    [(orders, alone, revenue, worth, differing, cause)] = con.execute(f"""
        select sum(warehouse_orders)::bigint, sum(event_only_orders)::bigint, sum(warehouse_revenue),
            sum(event_only_revenue), sum(amount_mismatches)::bigint,
            arg_max(mismatch_cause, amount_mismatches) filter (mismatch_cause is not null)
        from (from finance.reconciliation_daily where ledger_orders > 0 order by date desc limit {DAYS})
        """).fetchall()
    lines = []
    allowed = settings.slo.event_only_share
    if orders and alone and orders * allowed >= 1:
        share = max(Decimal(alone) / orders, worth / revenue if revenue > 0 else Decimal(0))
        if share > allowed:
            lines.append(
                f"{alone:,} orders of the last {DAYS} days that the ledger covers are known from events alone, worth"
                f" {worth:,} {settings.reporting_currency} ({share:.1%}; slo.event_only_share allows {allowed:.1%})"
            )
    if differing:
        lines.append(
            f"{differing:,} events of the last {DAYS} days give another amount than the ledger, whose amount is"
            f" published; the commonest cause: {cause}"
        )
    return lines
