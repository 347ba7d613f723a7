"""The worked example of the rules of attribution, to the cent."""

from decimal import Decimal

import pytest

from tests.kit.dbt import OF_CREDIT

MODELS = OF_CREDIT

EXPECTED = {
    "first_touch": {"Paid Search": "100.01"},
    "last_touch": {"Direct": "100.01"},
    "last_non_direct": {"Email": "100.01"},
    "linear": {"Paid Search": "33.34", "Email": "33.34", "Direct": "33.33"},
    "position_based": {"Paid Search": "40.01", "Email": "20.00", "Direct": "40.00"},
}


@pytest.fixture
def example(region, dbt):
    region.insert(
        "events",
        [
            region.event("2026-03-01 10:00", user="buyer", campaign=("google", "cpc", "brand")),
            region.event("2026-03-03 09:00", user="buyer", campaign=("newsletter", "email", "w9")),
            region.event("2026-03-03 20:00", user="buyer"),
            region.order("2026-03-04 12:00", "o1", 10001, user="buyer"),
        ],
    )
    dbt.build(region, "2026-03-01", "2026-03-04")
    return region


def test_every_model_gives_the_cents_of_the_example(example):
    credits = example.query("select attribution_model, channel, revenue, campaign from finance.romi_daily")
    for model, expected in EXPECTED.items():
        found = {channel: revenue for name, channel, revenue, _ in credits if name == model}
        assert found == {channel: Decimal(revenue) for channel, revenue in expected.items()}, model
    assert {campaign for *_, campaign in credits} == {"brand", "w9", "(none)"}


def test_campaigns_with_cost_and_no_orders_keep_their_row(region, dbt):
    region.insert("events", [region.order("2026-03-04 12:00", "o1", 10001, user="buyer")])
    region.insert("spend", [region.cost("2026-03-04", "7", 500, name="idle", impressions=9, clicks=2)])
    dbt.build(region, "2026-03-04", "2026-03-04")
    rows = region.query(
        "select channel, campaign, spend, impressions, clicks, revenue, roas, romi, cpa from finance.romi_daily"
        " where attribution_model = 'linear' order by channel"
    )
    assert rows == [
        ("(unattributed)", "(none)", Decimal("0.00"), 0, 0, Decimal("100.01"), None, None, 0.0),
        ("Paid Search", "idle", Decimal("5.00"), 9, 2, Decimal("0.00"), 0.0, -1.0, None),
    ]
