"""What an order is worth, when, and whose it is."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from quality.landed_ledger import ledger_orders

DAY, NEXT = "2026-03-01", "2026-03-02"
MODELS = ("int_orders__conversions", "orders_daily")


def orders_of(region, columns="order_id, revenue_cents, refund_cents, cogs_cents"):
    return region.query(f"select {columns} from intermediate.int_orders__conversions order by order_id")


def test_the_ledger_decides_on_money_date_and_status(region, dbt):
    region.insert(
        "events",
        [
            region.order(f"{DAY} 12:00", "both", 999, user="ann"),
            region.order(f"{DAY} 12:00", "cancelled there", 999, user="ann"),
            region.order(f"{DAY} 12:00", "moved", 999, user="ann"),
        ],
    )
    region.insert(
        "ledger_orders",
        [
            region.ledger("both", f"{DAY} 11:00", 500, updated_at=f"{DAY} 11:00"),
            region.ledger("both", f"{DAY} 11:00", 1000, refunded=100, cogs=300, updated_at=f"{NEXT} 11:00"),
            region.ledger("cancelled there", f"{DAY} 11:00", 1000, status="cancelled"),
            region.ledger("ledger only", f"{DAY} 11:00", 2000),
            region.ledger("moved", f"{NEXT} 11:00", 1000),
        ],
    )
    dbt.build(region, DAY, DAY)
    assert orders_of(region) == [("both", 1000, 100, 300), ("ledger only", 2000, 0, 1000)]
    assert region.query("select orders, revenue, new_customers from finance.orders_daily") == [(2, Decimal("30.00"), 1)]
    dbt.build(region, DAY, NEXT)
    assert [order_id for order_id, *_ in orders_of(region)] == ["both", "ledger only", "moved"]


def test_of_files_that_do_not_say_when_they_changed_an_order_the_last_one_by_its_number_stands(region, dbt):
    files = {
        "a": ("orders_9.csv", "orders_10.csv"),
        "b": ("orders.csv", "orders (1).csv"),
        "c": ("x/9.csv", "x/10.csv"),
        "d": ("orders.csv", "orders-2.csv"),
    }
    rows = [
        region.ledger(order_id, f"{DAY} 11:00", 1000, refunded=refunded) | {"file": f"ledger/{name}"}
        for order_id, names in files.items()
        for name, refunded in reversed(list(zip(names, (0, 400), strict=True)))
    ]
    region.insert("ledger_orders", rows)
    dbt.build(region, DAY, DAY)
    assert orders_of(region, "order_id, refund_cents") == [(order_id, 400) for order_id in files]


def test_postings_add_up_in_the_models_as_where_they_are_worked_out_a_second_time(region, dbt):
    chance = random.Random(7)
    rows = [
        region.ledger(f"o{number % 60}", f"2026-03-0{chance.randint(1, 3)} 11:00", 0)
        | {
            "file": f"ledger/{chance.choice(['a', 'a-2', 'b', 'b (1)'])}.csv",
            "item_hash": chance.randint(1, 4), "posting": posting, "paid_minor": paid,
            "revenue_minor": revenue, "status": chance.choice(["completed"] * 4 + ["cancelled"]),
        }
        for number in range(400)
        for posting, sign in [chance.choice([("payment", 1), ("payment", 1), ("return", -1), ("return", 1)])]
        for revenue in [sign * chance.randint(0, 9999)]
        for paid in [chance.choice([None, revenue + sign * chance.randint(0, 999)])]
    ]  # fmt: skip
    region.insert("ledger_orders", rows)
    dbt.build(region, "2026-03-01", "2026-03-03")
    with region.open() as con:
        landed = con.execute("from raw.ledger_orders").pl()
    worth = ledger_orders(landed).filter(pl.col("status") != "cancelled")
    columns = ["order_id", "ordered_at", "revenue_minor", "refunded_minor"]
    found = orders_of(region, "order_id, converted_at, revenue_minor, refund_minor")
    assert found == worth.select(columns).sort("order_id").rows()
    assert len(found) > 40


def test_orders_that_only_events_know_follow_their_events(region, dbt):
    region.insert(
        "events",
        [
            region.order(f"{DAY} 12:00", "first counts", 1000, user="ann", tax=200, shipping=0),
            region.order(f"{DAY} 13:00", "first counts", 7777, user="bob"),
            region.order(f"{NEXT} 12:00", "first counts", None, event="Order Refunded", total=600),
            region.order(f"{DAY} 12:00", "cancelled", 1000, user="ann"),
            region.order(f"{NEXT} 12:00", "cancelled", None, event="Order Cancelled"),
            region.order(f"{DAY} 12:00", "nobody", 100, is_anonymised=True),
            region.order(f"{NEXT} 12:00", "never ordered", None, event="Order Refunded", total=600),
        ],
    )
    dbt.build(region, DAY, NEXT)
    assert orders_of(region) == [("first counts", 1000, 500, 250), ("nobody", 100, 0, 50)]
    assert orders_of(region, "order_id, person_id is null") == [("first counts", False), ("nobody", True)]


def test_money_is_converted_at_the_last_rate_before(region, dbt):
    region.insert(
        "events",
        [
            region.order(f"{DAY} 12:00", "dollars", 1000, currency="USD", user="ann"),
            region.order(f"{DAY} 12:00", "yen", 1000, currency="JPY", user="ann"),
            region.order(f"{DAY} 12:00", "no rate", 1000, currency="GBP", user="ann"),
        ],
    )
    region.insert(
        "fx_rates",
        [
            {"rate_on": "2026-02-27", "currency": "USD", "rate_e8": 125_000_000},
            {"rate_on": "2026-02-27", "currency": "JPY", "rate_e8": 16_000_000_000},
            {"rate_on": NEXT, "currency": "USD", "rate_e8": 999},
        ],
    )
    dbt.build(region, DAY, DAY)
    assert orders_of(region, "order_id, revenue_cents, is_priced") == [
        ("dollars", 800, True),
        ("yen", 625, True),
    ]
    assert region.query("select orders, revenue from finance.orders_daily") == [(2, Decimal("14.25"))]
    dbt.build(region, DAY, DAY, reporting_currency="USD")
    assert orders_of(region, "order_id, revenue_cents") == [("dollars", 1000), ("yen", 781)]


@pytest.mark.parametrize(("timezone", "day"), [("UTC", DAY), ("Europe/Berlin", NEXT), ("America/New_York", DAY)])
def test_days_are_those_of_the_region(region, dbt, timezone, day):
    region.insert("events", [region.order(f"{DAY} 23:30", "late", 1000, user="ann")])
    dbt.build(region, day, day, timezone=timezone)
    assert region.query("select date::varchar, orders from finance.orders_daily") == [(day, 1)]


@pytest.mark.parametrize(
    ("timezone", "day", "first_hour"),
    [
        # Clocks go back to midnight, so the day's first hour comes twice; back over midnight; on over midnight.
        ("Atlantic/Azores", "2026-10-25", "2026-10-25 00:30"),
        ("America/Santiago", "2026-04-05", "2026-04-05 04:30"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23 22:30"),
    ],
)
def test_a_day_whose_midnight_comes_twice_or_never_begins_with_its_first_hour(region, dbt, timezone, day, first_hour):
    first, before = datetime.fromisoformat(first_hour), str(date.fromisoformat(day) - timedelta(days=1))
    moments = {"before": first - timedelta(hours=1), "first": first, "second": first + timedelta(hours=1)}
    region.insert("events", [region.order(str(moment), name, 1000, user="ann") for name, moment in moments.items()])
    for one in (before, day):
        dbt.build(region, one, one, timezone=timezone)
    assert orders_of(region, "order_id, ordered_on::varchar") == [("before", before), ("first", day), ("second", day)]


def test_a_new_customer_is_counted_once(region, dbt):
    region.insert("events", [region.order(f"{day} 12:00", day, 1000, user="ann") for day in (DAY, NEXT)])
    for day in (DAY, NEXT):
        dbt.build(region, day, day)
    assert region.query("select new_customers from finance.orders_daily order by date") == [(1,), (0,)]
