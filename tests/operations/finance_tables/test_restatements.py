"""What a version changes of the one before it is booked, once, and stays in the book."""

from datetime import date

from settings import Settings
from tests.operations import marts
from tests.operations.marts import DAYS, ask, build, change, publish_now

settings, shop = marts.settings, marts.shop


def test_what_changed_against_the_version_before_is_booked_and_stays(shop: Settings) -> None:
    publish_now(shop)
    assert ask(shop, "select count(*) from finance.restatements") == [(0,)]
    build(shop, "eu", revenue=130, days=DAYS[:1])
    build(shop, "us", days=[*DAYS, date(2026, 4, 20)])  # a new day is no restatement
    publish_now(shop)
    booked = """select version, "table", date, region, revenue_change::int, orders_change, spend_change::int, why
        from finance.restatements order by all"""
    expected = [
        (2, "orders_daily", DAYS[0], "eu", 30, 0, None, "behaviour"),
        (2, "romi_daily", DAYS[0], "eu", 30, None, 0, "behaviour"),
        (2, "romi_monthly", date(2026, 1, 1), "eu", 30, None, 0, "behaviour"),
    ]
    assert ask(shop, booked) == expected
    change(shop, "eu", f"""update finance.romi_daily set channel = 'Email'
        where date = '{DAYS[1]}' and attribution_model = 'linear';
        update ops.days set build = 99, rebuilt_for = 'orders' where day = '{DAYS[1]}'""")  # fmt: skip
    publish_now(shop)
    assert ask(shop, booked)[:3] == expected
    moved = "select date, revenue_change::int, credit_moved::int, why from finance.restatements where version = 3"
    assert ask(shop, moved) == [(DAYS[1], 0, 100, "orders")]


def test_a_day_between_that_showed_nothing_is_restated_from_nothing(shop: Settings) -> None:
    build(shop, "eu", days=[date(2026, 2, 10)])
    publish_now(shop)
    build(shop, "eu", days=[date(2026, 1, 20), date(2026, 2, 5)])  # one is before all that was shown
    change(shop, "eu", "update ops.days set rebuilt_for = 'orders; behaviour' where build = 3")
    build(shop, "eu", revenue=130, days=[date(2026, 2, 1)])
    publish_now(shop)
    booked = """select "table", date, revenue_change::int, why from finance.restatements
        where "table" in ('orders_daily', 'romi_monthly') order by all"""
    assert ask(shop, booked) == [
        ("orders_daily", date(2026, 2, 1), 30, "behaviour"),
        ("orders_daily", date(2026, 2, 5), 100, "behaviour; orders"),
        ("romi_monthly", date(2026, 1, 1), 100, "behaviour; orders"),
        ("romi_monthly", date(2026, 2, 1), 130, "behaviour; orders"),
    ]
