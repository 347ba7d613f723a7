"""Money that anyone can send: no build fails of it, and no day but its own is touched."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ingestion.money import LARGEST, MINOR_UNITS
from tests.end_to_end.conftest import order, page

DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(16)]
HOSTILE_DAYS = DAYS[4:12:2]
AMOUNTS = [
    0, "0.00", "-0", "0.005", "0.004999", "1e-400", 1, "0.01", "99999999999999", 99999999999999, LARGEST,
    f"{LARGEST}.01", str(LARGEST - 1), "999999999999.99", "1e12", "1e13", "1e308", "1E+999999", 10**18, 2**63 - 1,
    2**63, 2**127, "9" * 900, "-1", -1, "NaN", "Infinity", "0x10", "1,000.00", "10000000000", "10000000000.01",
    "4503599627370496", "90071992547.40993", 1e-7, 0.1, True, None, "", [], {},
]  # fmt: skip
MONEY = ("tax", "shipping", "total", "discount", "value", "subtotal")
# One euro's worth of each: the extremes that a rate may have among them.
RATES = {"USD": "1.1", "JPY": "160.5", "KWD": "0.33", "CLF": "0.00001", "IDR": "99999999", "XAU": "0.00001"}


def hostile(count: int, seed: int) -> list[dict]:
    """Orders and refunds of any currency whose every number is an extreme, on the hostile days."""
    choose = random.Random(seed)
    currencies = [*sorted(MINOR_UNITS), "eur", "XXQ", "", None, 978]
    records = []
    for n in range(count):
        at = f"{choose.choice(HOSTILE_DAYS)}T{choose.randrange(24):02}:00:00Z"
        record = order(f"h-{n}", at, f"h-{n if n % 3 else choose.randrange(max(n, 1))}", None, f"bad-{n}")
        record["event"] = choose.choice(["Order Completed", "Order Completed", "Order Refunded", "Order Cancelled"])
        currency = choose.choice(currencies if choose.random() < 0.5 else ["EUR", *RATES])
        record["properties"] |= {"revenue": choose.choice(AMOUNTS), "currency": currency} | {
            name: choose.choice(AMOUNTS) if choose.random() < 0.3 else "1.00" for name in MONEY
        }
        record["properties"]["products"] = [{"price": choose.choice(AMOUNTS), "quantity": 10**9}]
        records.append(record)
    return records


def land(shop) -> None:
    """Sixteen days of a small shop, each with three orders in ledger and events, and with cost."""
    records, ledger, cost = [], [], []
    for n, day in enumerate(DAYS):
        cost.append({"date": day, "campaign_id": "c", "campaign_name": "brand", "impressions": 10, "clicks": 3,
                     "spend": f"{n + 1}.50", "currency": "EUR"})  # fmt: skip
        for k in range(3):
            person, order_id = f"p-{n}-{k}", f"o-{n}-{k}"
            click = {"campaign": {"source": "google", "medium": "cpc", "name": "brand", "id": "c"}}
            records += [page(f"v-{n}-{k}", f"{day}T08:00:00Z", person, context=click),
                        order(f"b-{n}-{k}", f"{day}T09:00:00Z", order_id, f"{100 + n}.10", person)]  # fmt: skip
            ledger.append({"order_id": order_id, "ordered_at": f"{day}T09:00:00Z", "status": "completed",
                           "revenue": f"{100 + n}.10", "refunded": "0", "cogs": "", "currency": "EUR",
                           "updated_at": f"{day}T10:00:00Z"})  # fmt: skip
    shop.archive("eu", 0, records)
    shop.table("eu", "ledger/orders.csv", ledger)
    shop.table("eu", "spend/google_ads/cost.csv", cost)
    names = list(RATES)
    fx = shop.landing / "fx" / "eurofxref-hist.csv"
    fx.parent.mkdir()
    lines = [",".join([str(day), *RATES.values()]) for day in reversed(DAYS)]
    fx.write_text("\n".join([",".join(["Date", *names]), *lines]) + "\n")


def figures(shop, days: list[date]) -> dict[str, list[tuple]]:
    """What is published of those days."""
    tables = ("orders_daily", "romi_daily", "spend_daily", "reconciliation_daily", "romi_by_touch_date")
    listed = ", ".join(f"date '{day}'" for day in days)
    return {name: sorted(shop.query(f"from finance.{name} where date in ({listed})"), key=repr) for name in tables}


def assert_only_their_days_are_touched(shop, count: int, seed: int) -> None:
    shop.configure("regions: {eu: {consent_default: granted}}\nprivacy: {k_anonymity: 1}\n")
    land(shop)
    assert shop.romi("run")[0] == 0
    others = [day for day in DAYS if day not in HOSTILE_DAYS]
    before, all_before = figures(shop, others), figures(shop, DAYS)
    for n in range(0, count, 2_500):
        shop.archive("eu", n, hostile(count, seed)[n : n + 2_500], topic="bad")
    code, told = shop.romi("run")
    assert (code, told["failures"], told["withheld"]) == (0, [], {})
    assert figures(shop, others) == before
    assert shop.query("select max(revenue) < 1000000 from finance.orders_daily") == [(True,)]
    assert figures(shop, DAYS)["spend_daily"] == all_before["spend_daily"]
    _, status = shop.romi("status")
    books, left_out = status["records"], status["regions"]["eu"]["set_aside"]
    assert books["read"] == count + 6 * len(DAYS)
    assert books["read"] == sum(v for k, v in books.items() if k not in ("read", "dead_letter")) + sum(
        books["dead_letter"].values())  # fmt: skip
    assert {one["reason"] for one in left_out} == {"implausible_order", "no_rate"}
    assert any("implausible_order" in line for line in told["warnings"])
    # Nothing new, nothing changed.
    assert shop.romi("run")[1]["version"] is None


def test_hostile_money_in_the_first_run_touches_no_day_but_its_own(shop):
    """The small variant, in one build: the other days come to what they are worth by hand."""
    shop.configure("regions: {eu: {consent_default: granted}}\nprivacy: {k_anonymity: 1}\n")
    land(shop)
    shop.archive("eu", 0, hostile(400, seed=3), topic="bad")
    code, told = shop.romi("run")
    assert (code, told["failures"], told["withheld"]) == (0, [], {})
    by_day = "select date, sum(orders)::int, sum(revenue) from finance.orders_daily group by date order by date"
    others = {n: day for n, day in enumerate(DAYS) if day not in HOSTILE_DAYS}
    found = {day: figures for day, *figures in shop.query(by_day)}
    assert [found[day] for day in others.values()] == [[3, 3 * (100 + n + Decimal("0.10"))] for n in others]
    assert shop.query("select date, spend from finance.spend_daily order by date") == [
        (day, n + Decimal("1.50")) for n, day in enumerate(DAYS)
    ]
    assert shop.query("select max(revenue) < 1000000 from finance.orders_daily") == [(True,)]
    assert any("implausible_order" in line for line in told["warnings"])


@pytest.mark.slow  # tests/ingestion/test_money.py and tests/operations/test_quarantine.py
def test_hostile_money_touches_no_day_but_its_own(shop):
    assert_only_their_days_are_touched(shop, 300, seed=1)


@pytest.mark.slow
def test_ten_thousand_hostile_money_events_touch_no_day_but_their_own(shop):
    assert_only_their_days_are_touched(shop, 10_000, seed=2)
