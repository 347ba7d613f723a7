"""What finance asks beside ROMI, of one small shop: payback, cause, currencies, what is known and what is over."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.end_to_end.conftest import campaign, order, page
from tests.end_to_end.test_main_job import K1, ledger_row

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)


@pytest.mark.slow  # tests/dbt holds each table; see test_payback.py, test_currencies.py and the unit tests
def test_questions_of_finance_have_tables(shop):
    shop.configure(K1)
    brand = {"context": campaign("google", "cpc", "brand")}
    unasked = order("m4", "2026-02-12T12:00:00Z", "o3", 30, "a-3")
    unasked["context"]["consent"]["categoryPreferences"]["Analytics"] = False
    shop.archive("eu", 0, [
        page("m1", "2026-02-10T09:00:00Z", **brand), order("m2", "2026-02-10T12:00:00Z", "o1", 10),
        order("m3", "2026-02-11T12:00:00Z", "o2", 20, "a-2"), unasked,
        order("m5", "2026-03-05T12:00:00Z", "o5", 50),
    ])  # fmt: skip
    shop.table("eu", "ledger/orders.csv", [
        ledger_row("o1", "2026-02-10T12:00:00Z", "10"), ledger_row("o2", "2026-02-11T12:00:00Z", "20"),
        ledger_row("o3", "2026-02-12T12:00:00Z", "30"), ledger_row("o4", "2026-02-13T12:00:00Z", "40", cogs="10"),
        ledger_row("o5", "2026-03-05T12:00:00Z", "50"),
    ])  # fmt: skip
    cost = {"campaign_name": "", "impressions": 10, "clicks": 1, "currency": "EUR"}
    shop.table("eu", "spend/google_ads/costs.csv", [
        {**cost, "date": "2026-02-10", "campaign_id": "1", "campaign_name": "brand", "spend": "5"},
        {**cost, "date": "2026-02-11", "campaign_id": "2", "campaign_name": "ghost", "spend": "15"},
        {**cost, "date": "2026-01-10", "campaign_id": "2", "campaign_name": "ghost", "spend": "a lot"},
    ])  # fmt: skip
    code, outcome = shop.romi("run")
    assert (code, outcome["withheld"]) == (0, {})

    fates = "attributed_share, no_touch_share, no_consent_share, ledger_only_share, small_cell_share"
    more = "revenue_without_cost_share, spend_without_visits_share, assumed_cogs_share, days_withheld, is_partial"
    [january, *rest] = shop.query(f"select month, {fates}, {more} from finance.data_quality order by month")
    assert january == (date(2026, 1, 1), *[None] * 8, 0, False)
    assert rest == [
        (FEBRUARY, *map(pytest.approx, (0.1, 0.2, 0.3, 0.4, 0, 0, 0.75, 0.75)), 0, False),
        (MARCH, *map(pytest.approx, (1, 0, 0, 0, 0, 1)), None, pytest.approx(1), 0, True),
    ]

    refused = "refused_files, refused_rows, refused_revenue, refused_spend"
    assert shop.query(f"select {refused} from finance.data_quality order by month limit 2") == [
        (1, 1, 0, None),  # one row of cost, of a month without any other by which to tell its worth
        (0, 0, 0, 0),
    ]

    proved = "is_proved, cells_checked, cells_found, repairs, repair_cost_share"
    assert shop.query(f"select {proved} from finance.data_quality where revenue > 0") == [(True, 0, 0, 0, 0)] * 2

    brought = shop.query("""
        select cohort, channel, months_since, buyers, orders, net_revenue, margin, spend, payback, is_complete
        from finance.payback_cohorts where attribution_model = 'linear' order by all""")
    assert [(*row[:3], *map(float, row[3:8]), *row[8:]) for row in brought] == [
        (FEBRUARY, "(unattributed)", 0, 1, 1, 20, 10, 0, None, True),
        (FEBRUARY, "(unattributed)", 1, 1, 1, 20, 10, 0, None, False),
        (FEBRUARY, "(unknown)", 0, 0, 2, 70, 45, 0, None, True),
        (FEBRUARY, "Paid Search", 0, 1, 1, 10, 5, 20, 0.25, True),
        (FEBRUARY, "Paid Search", 1, 1, 2, 60, 30, 20, 1.5, False),
    ]
    assert shop.query("select cac, spend, is_partial from finance.romi_by_segment where cac > 0 limit 1") == [
        (20.0, Decimal("20.00"), False)
    ]
    cause = "month, channel, attributed_margin, incremental_margin_low, incremental_margin_high, grade"
    assert shop.query(f"select {cause} from finance.incremental_romi order by all") == [
        (FEBRUARY, "Paid Search", 5, 0, 5 + 55, "C"),
        (MARCH, "Paid Search", 25, 0, 25, "C"),
    ]
    assert shop.query(
        "select month, currency, orders, original_revenue from finance.orders_by_currency order by 1"
    ) == [
        (FEBRUARY, "EUR", 4, 100),
        (MARCH, "EUR", 1, 50),
    ]
    assert shop.query("select distinct contract from meta.versions") == [(1,)]
    assert shop.query("select distinct month, is_partial from finance.romi_monthly order by all") == [
        (FEBRUARY, False),
        (MARCH, True),
    ]
