"""What a region's figures leave out, for people: set aside by hand, implausible, or of events alone without a rate."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb

from ingestion.money import MINOR_UNITS
from quality.plausible import BY

_WORDS = {
    "implausible_order": "that only events know: worth more than the ledger's whole usual day (implausible_order);"
    " `romi quarantine list` names them, and `romi quarantine release` publishes one",
    "no_rate": "that only events know: there is no reference rate to convert by, or the worth is beyond all bounds"
    " (no_rate)",
    "by_hand": "set aside by hand: `romi quarantine list`",
}


def summary(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """How many orders and records are left out of a region's figures, by reason and currency, and what they are worth.

    ``by_hand`` has no currency. An order that only events know and that cannot be priced is ``no_rate``.
    """
    rows = con.execute(f"""
        select reason, currency, count(*), sum(revenue_minor)::hugeint from ops.quarantine
        where released_at is null and set_aside_by = '{BY}' group by all
        union all
        select 'no_rate', currency, count(*), sum(revenue_minor)::hugeint from ops.unpriced_orders
        where order_id not in (select order_id from ops.quarantine where order_id is not null and released_at is null)
        group by all
        union all
        select 'by_hand', null, count(*), null from ops.quarantine
        where released_at is null and set_aside_by <> '{BY}' having count(*) > 0
        order by all""").fetchall()  # fmt: skip
    return [
        {"reason": reason, "currency": currency, "count": count, "worth": currency and _amount(minor or 0, currency)}
        for reason, currency, count, minor in rows
    ]


def lines(summed: list[dict[str, Any]]) -> Iterator[str]:
    """A line for people of each reason."""
    for reason, words in _WORDS.items():
        of_reason = [one for one in summed if one["reason"] == reason]
        if count := sum(one["count"] for one in of_reason):
            what = ("order" if count == 1 else "orders") + (" or records" if reason == "by_hand" else "")
            worths = ", ".join(f"{one['currency']} {Decimal(one['worth']):,}" for one in of_reason if one["currency"])
            yield f"{count:,} {what} not published{f' ({worths})' if worths else ''}, {words}"


def worth(one: dict[str, Any]) -> str:
    """What an implausible order is worth, in words: a row of ``ops.quarantine``."""
    usual = "" if one["usual_cents"] is None else f" ({one['usual_cents'] / 100:,.2f} is the ledger's usual day)"
    return f"worth {one['currency']} {Decimal(_amount(one['revenue_minor'], one['currency'])):,} on {one['day']}{usual}"


def _amount(minor: int, currency: str) -> str:
    return str(Decimal(minor).scaleb(-MINOR_UNITS[currency]))
