"""What a version says of months that have not ended, of withheld days in them, and of what is cumulated over months."""

from datetime import date

import pytest

from operations.publishing.publish import publish
from tests.operations import marts
from tests.operations.marts import ask, build, change, publish_now

settings, shop = marts.settings, marts.shop
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
PARTIAL = "select distinct month, is_partial from finance.romi_monthly where region = 'eu' order by all"


@pytest.fixture
def cohort(shop):
    """A cohort that is followed into February, published."""
    change(shop, "eu", """insert into finance.payback_cohorts by name
        select date '2026-01-01' as cohort, 'eu' as region, 'Email' as channel, 'linear' as attribution_model,
            n as months_since, date '2026-01-01' + interval 1 month * n as month, 1 as buyers, n + 1 as orders,
            10 as net_revenue,
            5 as margin, 4 as spend, 1.25 as payback from range(2) as t (n)""")  # fmt: skip
    publish_now(shop)
    return shop


def test_a_month_is_partial_until_it_ends_in_its_region_and_a_version_says_so(shop, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-02-28T23:59:59Z")
    publish_now(shop)
    assert ask(shop, PARTIAL) == [(JANUARY, False), (FEBRUARY, True)]
    assert publish(shop) is None
    monkeypatch.setenv("ROMI_NOW", "2026-03-01T00:00:00Z")
    publish_now(shop)
    assert ask(shop, PARTIAL) == [(JANUARY, False), (FEBRUARY, False)]
    assert publish(shop) is None


def test_rows_that_are_carried_over_know_the_time_too(shop, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-02-20T12:00:00Z")
    publish_now(shop)
    change(shop, "eu", "update ops.days set withheld_reason = 'odd' where day = '2026-02-01'")
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    publish_now(shop)
    assert ask(shop, PARTIAL) == [(JANUARY, False), (FEBRUARY, False)]


def test_what_is_cumulated_is_held_back_from_the_first_day_that_is(cohort):
    change(cohort, "eu", """update finance.payback_cohorts set margin = 7;
        update ops.days set withheld_reason = 'odd', build = 2 where day = '2026-01-31'""")  # fmt: skip
    publish_now(cohort)
    shown = "select months_since, margin::int, is_complete from finance.payback_cohorts order by all"
    assert ask(cohort, shown) == [(0, 5, True), (1, 5, True)]
    change(cohort, "eu", """update ops.days set withheld_reason = null where day = '2026-01-31';
        update ops.days set withheld_reason = 'odd' where day = '2026-02-01'""")  # fmt: skip
    publish_now(cohort)
    assert ask(cohort, shown) == [(0, 7, True), (1, 5, True)]


def test_withheld_days_are_counted_by_month(cohort):
    count = "select month, days_withheld from finance.data_quality where region = 'eu' order by all"
    change(cohort, "eu", "update ops.days set withheld_reason = 'odd' where day < '2026-02-01'")
    publish_now(cohort)
    assert ask(cohort, count) == [(JANUARY, 2)]  # of which nothing more is known: nothing was measured here
    build(cohort, "eu")
    change(cohort, "eu", "update ops.days set withheld_reason = null")
    publish_now(cohort)
    assert ask(cohort, count) == []
