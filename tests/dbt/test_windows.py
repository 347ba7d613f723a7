"""Building day by day and building one window give the same rows."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

WITHOUT_TESTS = ("--exclude-resource-type", "test")
FIRST, DAYS = datetime(2026, 3, 28, 12), 3
TABLES = (
    "intermediate.int_sessions__starts",
    "intermediate.int_sessions__touchpoints",
    "intermediate.int_orders__conversions",
    "intermediate.int_attribution__learning_paths",
    "intermediate.int_attribution__channel_buyers",
    "intermediate.int_attribution__channel_weights",
    "intermediate.int_attribution__path_rates",
    "intermediate.int_attribution__touch_credits",
    "finance.romi_daily",
    "finance.romi_monthly",
    "finance.orders_daily",
    "finance.spend_daily",
)
MODELS = tuple(table.partition(".")[2] for table in TABLES)
CAMPAIGNS = st.sampled_from([(), (), ("google", "cpc", "brand"), ("google", "cpc", "shoes"), (None, None, None, "77")])


@st.composite
def visits(draw):
    # Around Berlin's midnights (the clocks change in the second night), near the session's timeout, on shared devices.
    minutes = draw(st.sampled_from([0, 11 * 60, 11 * 60, 34 * 60])) + draw(st.integers(-4, 4)) * 15
    return {
        "at": FIRST + timedelta(minutes=max(0, minutes)),
        "user": draw(st.sampled_from([None, None, "ann", "bob"])),
        "anonymous": draw(st.sampled_from(["phone", "laptop"])),
        "campaign": draw(CAMPAIGNS),
        "referrer_host": draw(st.sampled_from([None, "www.google.com", "blog.example"])),
        "is_order": draw(st.integers(0, 3)) == 0,
    }


def fill(region, shop):
    events = []
    for number, visit in enumerate(shop):
        columns = {key: value for key, value in visit.items() if key != "is_order"}
        if visit["is_order"]:
            columns = {key: columns[key] for key in ("user", "anonymous", "at")}
            events.append(region.order(order_id=f"o{number % 5}", revenue=1000 + number, **columns))
        else:
            events.append(region.event(**columns))
    region.insert("events", events)
    region.insert(
        "spend", [region.cost(FIRST.date() + timedelta(days=n), "77", 100 + n, name="Shoes") for n in range(DAYS)]
    )


def differences(left, right):
    with left.open() as connection:
        connection.execute(f"attach '{right.path}' as other (read_only)")
        return [
            (table, rows)
            for table in TABLES
            for first, second in ((table, f"other.{table}"), (f"other.{table}", table))
            if (rows := connection.execute(f"select * from {first} except all select * from {second}").fetchall())
        ]


@pytest.mark.slow
@settings(settings.get_profile("few_shops"), max_examples=3)
@given(st.lists(visits(), min_size=8, max_size=25))
def test_day_by_day_equals_one_window(dbt, new_region, shop):
    whole, daily = new_region(), new_region()
    days = [FIRST.date() + timedelta(days=n) for n in range(DAYS)]
    for region in (whole, daily):
        region.lines = 0
        fill(region, shop)
    for day in days:
        dbt.build(daily, day, day, *WITHOUT_TESTS, timezone="Europe/Berlin")
    dbt.build(whole, days[0], days[-1], timezone="Europe/Berlin")
    assert differences(whole, daily) == []
    # A day that is built again stays what it is.
    dbt.build(daily, days[1], days[1], *WITHOUT_TESTS, timezone="Europe/Berlin")
    assert differences(whole, daily) == []


def test_a_window_that_became_empty_is_empty(region, dbt):
    region.insert("events", [region.order("2026-03-01 12:00", "o1", 1000, user="ann")])
    dbt.build(region, date(2026, 3, 1), date(2026, 3, 1))
    assert region.query("select count(*) from finance.romi_daily") == [(9,)]
    with region.open() as connection:
        connection.execute("delete from raw.events")
    dbt.build(region, date(2026, 3, 1), date(2026, 3, 1))
    for table in TABLES:
        assert region.query(f"select count(*) from {table}") == [(0,)], table


def test_an_order_that_moves_into_a_window_leaves_its_day_and_what_is_appended_has_to_fit(region, dbt):
    credits = "intermediate.int_attribution__touch_credits"
    choice = ("--select", "+int_attribution__touch_credits", *WITHOUT_TESTS)
    moved, stays = datetime(2026, 3, 5, 12), datetime(2026, 3, 6, 12)
    region.insert("ledger_orders", [region.ledger("moved", moved, 1000), region.ledger("stays", stays, 1000)])
    dbt.build(region, "2026-03-01", "2026-03-31", *choice)
    later = datetime(2026, 4, 2, 12)
    region.insert("ledger_orders", [region.ledger("moved", later, 1000)])
    dbt.build(region, "2026-04-01", "2026-04-30", *choice)
    assert region.query(f"select order_id, ordered_on from {credits} order by 1") == [
        ("moved", later.date()),
        ("stays", stays.date()),
    ]
    region.query(f"alter table {credits} drop column campaign")
    with pytest.raises(AssertionError, match="campaign"):
        dbt.build(region, "2026-04-01", "2026-04-30", *choice)
