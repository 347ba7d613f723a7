"""What the landed ledger, events and rates say that finance must show, recomputed from scratch in exact integers.

It shares no code with the dbt models, on purpose: a mistake there cannot hide itself here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import duckdb
import polars as pl

from ingestion.money import LARGEST_WORTH_CENTS
from quality.landed_ledger import ledger_orders
from quality.landed_rates import Rates, half_even
from quality.order_matching import cause_of_mismatch
from settings import OWN_TRACKS, Settings

_BILLION = 10**9
# Time zones reach from UTC-12 to UTC+14, so a day's margin around the window holds every order of its local days.
_CANDIDATES = """
    select order_id from raw.ledger_orders where ordered_at >= $start and ordered_at < $end
    union
    select order_id from raw.events where order_id is not null and occurred_at >= $start and occurred_at < $end"""


# By hand: what is implausible this side judges for itself.
_IS_SET_ASIDE = """order_id in (
        select order_id from ops.quarantine
        where order_id is not null and released_at is null and set_aside_by <> 'romi')"""


class Order(NamedTuple):
    """One conversion as it has to be."""

    order_id: str
    day: date
    at: datetime  # in UTC
    currency: str
    is_in_ledger: bool
    has_event: bool
    cents: tuple[int, int, int] | None  # revenue, refunds, cogs; None without a rate
    lacking: str | None  # the currency that has no rate; None where there is one, but the worth is beyond what is used
    revenue_minor: int
    mismatch: str | None = None  # why the event's amount is another than the ledger's, where it is


class Refunds:
    """What events refunded of an order, by currency: with tax and shipping in it, without them, or all the rest."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self.goods: Counter[str] = Counter()
        self.is_rest = False

    def add(self, currency: str, total_minor: int | None, goods_minor: int | None) -> None:
        if total_minor is not None:
            self.totals[currency] += total_minor
        elif goods_minor is not None:
            self.goods[currency] += goods_minor
        else:
            self.is_rest = True

    @property
    def currencies(self) -> set[str]:
        return set() if self.is_rest else {*self.totals, *self.goods}


def spend_currencies(con: duckdb.DuckDBPyConnection, from_day: date, to_day: date) -> list[tuple[date, str]]:
    """The currencies of each day's cost, by the rows that count."""
    landed = con.execute(
        """select platform, spend_on, campaign_id, account, currency, coalesce(delivery_order, file) as delivered
        from raw.spend where spend_on between ? and ?""", [from_day, to_day],
    ).pl()  # fmt: skip
    day = ["platform", "spend_on", "campaign_id"]
    last = {"own": [*day, "account"], "any": day}
    of_all = pl.when(pl.col("account").is_null()).then("delivered").max().over(day)
    standing = landed.with_columns(
        *[pl.col("delivered").max().over(names).alias(name) for name, names in last.items()], of_all=of_all
    ).filter(
        pl.col("delivered") == pl.when(pl.col("account").is_null()).then("any").otherwise("own"),
        pl.col("delivered") >= pl.col("of_all").fill_null(""),
    )
    return standing.select("spend_on", "currency").unique().sort("spend_on", "currency").rows()


def landed_orders(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, window: tuple[date, date], rates: Rates,
    implausible: Collection[str] = (),
) -> Iterator[Order]:  # fmt: skip
    """Every conversion of the window's days (both ends included) that is not cancelled: the ledger's, else events'.

    What is set aside by hand does not count, nor do the `implausible` orders.
    """
    options = settings.region(region)
    margin = int(options.margin_rate.scaleb(9).to_integral_value())
    frame, refunds = _frame(con, settings, options.timezone, *window)
    frame = frame.filter(~pl.col("order_id").is_in(list(implausible)))
    for order_id, day, at, status, has_event, *ledger, event_currency, event_revenue, tax, paid in frame.iter_rows():
        is_in_ledger = status is not None
        if is_in_ledger:
            currency, (revenue, refund, cogs) = ledger[0], _ledger_cents(ledger, day, rates)
        else:
            currency, cogs = event_currency, None
            revenue = rates.cents(event_revenue, currency, day)
            refund = _refunded_goods(refunds[order_id], revenue, event_revenue, paid, day, rates)
        minor = ledger[1] if is_in_ledger else event_revenue
        if revenue is None or refund is None or (cogs is None and is_in_ledger and ledger[3] is not None):
            needed = (currency,) if is_in_ledger else (currency, *sorted(refunds[order_id].currencies))
            lacking = next((bad for one in needed if (bad := rates.lacking(one, day))), None)
            yield Order(order_id, day, at, currency, is_in_ledger, has_event, None, lacking, minor)
            continue
        refund = refund if is_in_ledger else min(refund, revenue)
        if cogs is None:
            cogs = revenue - refund - half_even((revenue - refund) * margin, _BILLION)
        mismatch = None
        if is_in_ledger and has_event:
            mismatch = cause_of_mismatch((currency, ledger[1]), (event_currency, event_revenue, tax, paid))
        yield Order(
            order_id, day, at, currency, is_in_ledger, has_event, (revenue, refund, cogs), None, minor, mismatch
        )


def _ledger_cents(ledger: list[Any], day: date, rates: Rates) -> tuple[int | None, int | None, int | None]:
    currency, revenue_minor, refunded_minor, cogs_minor = ledger
    cogs = None if cogs_minor is None else rates.cents(cogs_minor, currency, day)
    return rates.cents(revenue_minor, currency, day), rates.cents(refunded_minor, currency, day), cogs


def _refunded_goods(
    refunds: Refunds, order_cents: int | None, revenue_minor: int, paid_minor: int, day: date, rates: Rates
) -> int | None:
    """Cents refunded by events: of totals that include tax and shipping, the goods' part of the order."""
    if refunds.is_rest:
        return order_cents
    refunded = 0
    for currency in refunds.currencies:
        goods = half_even(refunds.totals[currency] * revenue_minor, paid_minor) if paid_minor else 0
        goods += refunds.goods[currency]
        cents = rates.cents(goods, currency, day, beyond=LARGEST_WORTH_CENTS)
        if cents is None:
            return None
        refunded += cents
    return refunded


def _frame(
    con: duckdb.DuckDBPyConnection, settings: Settings, zone: str, from_day: date, to_day: date
) -> tuple[pl.DataFrame, dict[str, Refunds]]:
    """Orders of the window's local days that count, and what events refunded of each, by currency."""
    ledger, events = _landed(con, from_day, to_day)
    events = _of_fixed_value(events, settings)
    completed = events.filter(pl.col("event") == "Order Completed").sort("occurred_at", "message_order", "message_id")
    cancelled = events.filter(pl.col("event") == "Order Cancelled")["order_id"].unique()
    refunds: dict[str, Refunds] = defaultdict(Refunds)
    refunded = events.filter(pl.col("event") == "Order Refunded")
    amounts = refunded.select("order_id", "currency", "total_minor", "revenue_minor")
    for order_id, currency, total, goods in amounts.iter_rows():
        refunds[order_id].add(currency, total, goods)
    orders = ledger.join(
        completed.unique("order_id", keep="first", maintain_order=True), on="order_id", how="full", coalesce=True,
        suffix="_of_event",
    ).with_columns(at=pl.coalesce("ordered_at", "occurred_at"))  # fmt: skip
    orders = orders.with_columns(day=pl.col("at").dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date())
    is_cancelled = (pl.col("status") == "cancelled") | (
        pl.col("status").is_null() & pl.col("order_id").is_in(cancelled.implode())
    )
    counting = orders.filter(pl.col("day").is_between(from_day, to_day), ~is_cancelled.fill_null(False))
    return counting.select(
        "order_id", "day", "at", "status", pl.col("event").is_not_null(),
        "currency", "revenue_minor", "refunded_minor", "cogs_minor",
        "currency_of_event", "revenue_minor_of_event", "tax_minor", "paid_minor",
    ), refunds  # fmt: skip


def _landed(con: duckdb.DuckDBPyConnection, from_day: date, to_day: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ledger's last row and every event of each order that can stand in the window."""
    around = {
        "start": datetime.combine(from_day - timedelta(1), datetime.min.time()),
        "end": datetime.combine(to_day + timedelta(2), datetime.min.time()),
    }
    ledger = con.execute(
        f"select * from raw.ledger_orders where order_id in ({_CANDIDATES}) and not {_IS_SET_ASIDE}", around
    ).pl()
    events = con.execute(
        f"""select order_id, event, occurred_at, message_order::varchar as message_order,
            message_id::varchar as message_id, currency, revenue_minor, total_minor,
            coalesce(tax_minor, 0) as tax_minor,
            revenue_minor + coalesce(tax_minor, 0) + coalesce(shipping_minor, 0) as paid_minor
        from raw.events
        where order_id in ({_CANDIDATES}) and not {_IS_SET_ASIDE}
            and (archive_id, record_offset) not in (
                select (archive_id, record_offset) from ops.quarantine
                where archive_id is not null and released_at is null)""",
        around,
    ).pl()
    return ledger_orders(ledger), events


def _of_fixed_value(events: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Tracks that the configuration counts as conversions, as completed orders of their value; no others."""
    values = {name: int(one.value * 100) for name, one in settings.attribution.conversions.items()}
    is_own = pl.col("event").is_in(list(OWN_TRACKS))
    cents = pl.col("event").replace_strict(values, default=None, return_dtype=pl.Int64)
    fixed = {"event": pl.lit("Order Completed"), "currency": pl.lit(settings.reporting_currency),
             "revenue_minor": cents, "tax_minor": pl.lit(0, pl.Int64), "paid_minor": cents}  # fmt: skip
    return events.filter(is_own | pl.col("event").is_in(list(values))).with_columns(
        pl.when(is_own).then(pl.col(name)).otherwise(value).alias(name) for name, value in fixed.items()
    )
