"""A sign-up that is configured as a conversion goes all the way from the archive to the marts."""

import pytest

from tests.end_to_end.conftest import campaign, order, page


@pytest.mark.slow  # tests/dbt/test_configured_rules.py
def test_sign_ups_count_at_their_value_and_reconcile(shop):
    shop.configure("""
attribution: {conversions: {"Signed Up": {value: 12.50, lookback_days: 7}}}
privacy: {k_anonymity: 1}
regions: {eu: {}}
""")
    sign_up = page("m2", "2026-03-02T10:00:00Z") | {"type": "track", "event": "Signed Up"}
    without_consent = sign_up | {
        "messageId": "m3",
        "context": {"consent": {"categoryPreferences": {"Analytics": False}}},
    }
    shop.archive("eu", 0, [
        page("m1", "2026-03-01T10:00:00Z", context=campaign("news", "email", "w9")), sign_up, without_consent,
        page("m4", "2026-03-02T10:00:00Z") | {"type": "track", "event": "Some Other Track"},
        order("m5", "2026-03-02T12:00:00Z", "o1", 100),
    ])  # fmt: skip
    code, told = shop.romi("run")
    assert (code, told["withheld"]) == (0, {})
    assert shop.query("select orders, revenue::double from finance.orders_daily") == [(2, 112.5)]
    # By purchase history the order is still the first, and no ledger will ever have a sign-up.
    assert shop.query("select sum(new_customers) from finance.orders_daily") == [(1,)]
    assert shop.query("select distinct segment from finance.romi_by_segment") == [("new",)]
    assert shop.query("select warehouse_orders, missing_in_ledger from finance.reconciliation_daily") == [(2, 1)]
    assert shop.query("""select sum(revenue)::double from finance.romi_daily
        where attribution_model = 'linear' and channel = 'Email'""") == [(112.5,)]  # fmt: skip
