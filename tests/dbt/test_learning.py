"""What a build keeps and learns of the data-driven models' weights."""

from datetime import datetime, timedelta

import pytest

from tests.kit.raw_region import CREDITS

MODELS = ("int_attribution__touch_credits", "int_attribution__path_rates", "int_attribution__channel_buyers")
TABLES = ("learning_paths", "channel_buyers", "channel_weights", "path_rates")
START = datetime(2026, 3, 2, 12)
CAMPAIGNS = {"search": ("google", "cpc", "brand"), "mail": ("news", "email", "w9")}


def journey(region, user, *path, buys, start=START):
    events = [
        region.event(start + timedelta(days=n), user=user, campaign=CAMPAIGNS[step]) for n, step in enumerate(path)
    ]
    if buys:
        events.append(region.order(start + timedelta(days=len(path)), f"order of {user}", 10001, user=user))
    region.insert("events", events)


def learned(region):
    return {
        table: sorted(
            region.query(f"select * exclude month, month::varchar from intermediate.int_attribution__{table}"), key=str
        )
        for table in TABLES
    }


@pytest.fixture
def march(region, dbt):
    journey(region, "ann", "search", "mail", buys=True)
    journey(region, "bob", "search", buys=False)
    dbt.build(region, "2026-03-01", "2026-03-31")
    return region


def test_a_frozen_month_keeps_what_it_taught_and_others_are_learned_anew(march, dbt):
    before = learned(march)
    assert all(before.values())
    journey(march, "cid", "mail", buys=True)
    dbt.build(march, "2026-03-01", "2026-04-30", frozen_through="2026-03-31")
    after = learned(march)
    for table in TABLES:
        assert [row for row in after[table] if row[-1] == "2026-03-01"] == before[table], table
        # April had no row to keep, and knows of all three.
        assert [row for row in after[table] if row[-1] == "2026-04-01"] != before[table], table
    dbt.build(march, "2026-03-01", "2026-03-31", frozen_through="2026-03-30")
    assert all(learned(march)[table] != after[table] for table in TABLES)


def test_a_frozen_month_that_never_taught_is_learned(region, dbt):
    journey(region, "ann", "search", "mail", buys=True)
    dbt.build(region, "2026-03-01", "2026-03-31", frozen_through="2026-12-31")
    assert all(learned(region).values())


def test_weights_rest_on_distinct_buyers(region, dbt):
    for number in range(3):
        journey(region, "ann", "search", buys=True, start=START + timedelta(days=7 * number, hours=number))
        region.insert("events", [region.order(START + timedelta(days=25 + number), f"{number}", 500, user="ann")])
    journey(region, "bob", "mail", "search", buys=True)
    dbt.build(region, "2026-03-01", "2026-03-31")
    buyers = "select distinct channel, buyers from intermediate.int_attribution__channel_buyers order by 1"
    assert region.query(buyers) == [("Email", 1), ("Paid Search", 2)]


def test_a_path_of_one_moment_is_learned_in_its_order(region, dbt):
    for user, buys in (("ann", True), ("bob", False)):
        path = ["search", "mail"] * 20
        region.insert("events", [region.event(START, user=user, campaign=CAMPAIGNS[step]) for step in path])
        region.insert("events", [region.order(START, "o", 10001, user=user)] * buys)
    dbt.build(region, "2026-03-01", "2026-03-31")
    found = region.query("select path, conversions, non_conversions from intermediate.int_attribution__learning_paths")
    assert found == [(["Paid Search", "Email"] * 20, 1, 1)]


def test_orders_with_hundreds_of_touches_are_split(region, dbt):
    # Each touch weighs 10^12: products with the total, in what decides the last cents, are beyond 64 bits.
    journey(region, "ann", *["search"] * 29, buys=True)
    region.insert(
        "events",
        [
            region.event(START + timedelta(hours=2 * n + 1), user="ann", campaign=CAMPAIGNS["search"])
            for n in range(300)
        ],
    )
    dbt.build(region, "2026-03-01", "2026-03-31")
    credit = f"select touch_number, revenue_cents, conversion_millionths from {CREDITS}"
    rows = {
        model: region.query(f"{credit} where attribution_model = '{model}' order by 1")
        for model in ("linear", "markov", "shapley")
    }
    assert len(rows["linear"]) > 300
    assert rows["linear"] == rows["markov"] == rows["shapley"]
