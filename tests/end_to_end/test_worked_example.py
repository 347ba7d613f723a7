"""The worked example of the attribution rules, from JSON lines to the published mart, to the cent."""

from decimal import Decimal

from tests.end_to_end.conftest import campaign, order, page

K1 = "privacy: {k_anonymity: 1}\n"


def test_worked_example_reaches_the_published_mart_to_the_cent(shop):
    shop.configure(K1)
    shop.archive("eu", 0, [
        page("m1", "2026-03-01T10:00:00Z", context=campaign("google", "cpc", "brand")),
        page("m2", "2026-03-03T09:00:00Z", context=campaign("newsletter", "email", "w9")),
        page("m3", "2026-03-03T20:00:00Z"),
        order("m4", "2026-03-04T12:00:00Z", "o-1", "100.01"),
    ])  # fmt: skip

    code, outcome = shop.romi("run")

    assert (code, outcome["version"]) == (0, 1)
    rows = shop.query("""
        select attribution_model, channel, campaign, revenue, conversions from finance.romi_daily
        where date = date '2026-03-04' and region = 'eu' order by all""")
    paid, email, direct = ("Paid Search", "brand"), ("Email", "w9"), ("Direct", "(none)")
    credit = {(model, (channel, name)): revenue for model, channel, name, revenue, _ in rows if revenue}
    assert {key: credit[key] for key in credit if key[0] == "linear"} == {
        ("linear", paid): Decimal("33.34"), ("linear", email): Decimal("33.34"), ("linear", direct): Decimal("33.33"),
    }  # fmt: skip
    assert {key: credit[key] for key in credit if key[0] == "position_based"} == {
        ("position_based", paid): Decimal("40.01"), ("position_based", email): Decimal("20.00"),
        ("position_based", direct): Decimal("40.00"),
    }  # fmt: skip
    assert credit["last_non_direct", email] == Decimal("100.01")
    assert credit["first_touch", paid] == credit["last_touch", direct] == Decimal("100.01")
    for model in {model for model, *_ in rows}:
        assert sum(revenue for found, *_, revenue, _ in rows if found == model) == Decimal("100.01")
        assert sum(count for found, *_, count in rows if found == model) == 1
    assert shop.query("select orders, revenue, new_customers from finance.orders_daily") == [(1, Decimal("100.01"), 1)]
