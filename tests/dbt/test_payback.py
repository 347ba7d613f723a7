"""Cohorts of buyers, and cost by segment, against plain Python on random small shops."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.dbt.test_models_against_an_oracle import (
    CHANNELS,
    LEARNED,
    RULES,
    START,
    fill,
    journeys,
    learned,
    learned_weights,
    split,
    weights,
)

MODELS = ("payback_cohorts", "romi_by_segment", "orders_daily")
MILLION = 1_000_000


def random_shop(seed):
    """Persons with visits and up to four orders (hour, revenue, refund, cogs) in five months."""
    draw = random.Random(seed)
    shop = []
    for _ in range(35):
        start = draw.randrange(0, 100 * 24)
        visits = sorted(draw.sample(range(start, start + 50 * 24), draw.randrange(0, 6)))
        orders = sorted(draw.sample(range(start, start + 50 * 24), draw.choice([0, 1, 1, 2, 3, 4])))
        shop.append(
            (
                [(hour, draw.choice(list(CHANNELS))) for hour in visits],
                [
                    (hour, draw.randrange(1, 50_000), draw.choice([0, 9_999, 99_999]), draw.randrange(30_000))
                    for hour in orders
                ],
            )
        )
    return shop


def shares_of(model, window, at, months):
    if not window:
        return [("(unattributed)", 1)]
    found = weights(model, window, at) if model in RULES else learned_weights(model, window, months[at.month])
    return list(zip([channel for _, channel in window], found, strict=True))


def expected(shop):
    """What came, by cohort, channel, model and month; buyers, by all of these but month; and what segments bought."""
    months, came = learned(shop), defaultdict(lambda: [0, 0, 0])
    buyers, sold = defaultdict(int), defaultdict(lambda: [0, 0, 0, 0])
    for _, orders in journeys(shop):
        for model in (*RULES, *LEARNED):
            for number, (at, (revenue, refund, cogs), window) in enumerate(orders):
                first_at, _, first_window = orders[0]
                refund = min(refund, revenue)
                shares = shares_of(model, first_window, first_at, months)
                parts = [split(amount, [share for _, share in shares]) for amount in (MILLION, revenue, refund, cogs)]
                for (channel, _), count, gross, back, goods in zip(shares, *parts, strict=True):
                    cell = (first_at.month, channel, model)
                    buyers[cell] += count if number == 0 else 0
                    for n, amount in enumerate((count, gross - back, gross - back - goods)):
                        came[*cell, at.month][n] += amount
                own = shares_of(model, window, at, months)
                parts = [split(amount, [share for _, share in own]) for amount in (MILLION, revenue, refund, cogs)]
                for (channel, _), *amounts in zip(own, *parts, strict=True):
                    for n, amount in enumerate(amounts):
                        sold[at.month, channel, model, "repeat" if number else "new"][n] += amount
    return came, buyers, sold


def cumulated(came, buyers, months):
    for cohort, channel, model in sorted({key[:3] for key in came}):
        so_far = [0, 0, 0]
        has_come = False
        for month in (month for month in months if month >= cohort):
            mine = came.get((cohort, channel, model, month))
            has_come |= bool(mine and any(mine))
            so_far = [a + b for a, b in zip(so_far, mine or (0, 0, 0), strict=True)]
            if has_come:
                yield (cohort, channel, model, month - cohort, buyers[cohort, channel, model], *so_far)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_cohorts_and_cost_of_segments_agree_to_the_cent(region, dbt, seed):
    shop, draw = random_shop(seed), random.Random(seed)
    fill(region, shop)
    costs = [(START.date() + timedelta(days=n), str(n % 2), draw.randrange(1, 9_999)) for n in range(0, 150, 11)]
    region.insert("spend", [region.cost(day, one, cents, name=f"c{one}") for day, one, cents in costs])
    dbt.build(region, "2026-03-01", "2026-07-31")
    came, buyers, sold = expected(shop)

    months = [month for (month,) in region.query("select distinct month(date) from finance.orders_daily order by all")]
    found = region.query("""
        select month(cohort), channel, attribution_model, months_since, (buyers * 1000000)::bigint,
            (orders * 1000000)::bigint, (net_revenue * 100)::bigint, (margin * 100)::bigint
        from finance.payback_cohorts order by all""")
    assert found == sorted(cumulated(came, buyers, months))

    cost_of = defaultdict(int)
    for day, _, cents in costs:
        cost_of[day.month] += cents
    shown = defaultdict(dict)
    for month, segment, channel, model, cents in region.query("""
        select month(month), segment, channel, attribution_model, (spend * 100)::bigint
        from finance.romi_by_segment where spend != 0 order by all"""):
        shown[month, model][segment, channel] = cents
    for (month, model), cents in shown.items():
        counts = {segment: sold[month, "Paid Search", model, segment][0] for segment in ("new", "repeat")}
        if any(counts.values()):
            parts = split(cost_of[month], list(counts.values()))
            expected_cost = {(s, "Paid Search"): part for s, part in zip(counts, parts, strict=True) if part}
        else:
            expected_cost = {("(other)", "Paid Search"): cost_of[month]}
        assert cents == expected_cost, (month, model)
    assert {month for month, _ in shown} == set(cost_of)
    assert_segments_are(region, sold, shown)
    assert region.query("""
        select count(*) from finance.payback_cohorts join finance.romi_by_segment as paid
            on paid.month = cohort and paid.segment = 'new' and paid.channel = payback_cohorts.channel
            and paid.attribution_model = payback_cohorts.attribution_model
        where payback_cohorts.spend != paid.spend""") == [(0,)]


def assert_segments_are(region, sold, costs):
    """What segments bought, by the million and in cents, and what is said of it beside their cost."""
    found = region.query("""
        select month(month), channel, attribution_model, segment, (conversions * 1000000)::bigint,
            (revenue * 100)::bigint, (refunds * 100)::bigint, (cogs * 100)::bigint, (net_revenue * 100)::bigint,
            (margin * 100)::bigint, (spend * 100)::bigint, roas, romi, cpa, cac
        from finance.romi_by_segment""")
    bought = {row[:4]: list(row[4:8]) for row in found if any(row[4:8])}
    assert bought == {cell: amounts for cell, amounts in sold.items() if any(amounts)}
    for month, channel, model, segment, count, revenue, refunds, cogs, net, margin, spend, *ratios in found:
        assert (net, margin) == (revenue - refunds, revenue - refunds - cogs)
        assert spend == costs.get((month, model), {}).get((segment, channel), 0)
        cpa = spend / 100 / (count / MILLION) if count else None
        expected = [net / spend, (margin - spend) / spend] if spend else [None, None]
        expected += [cpa, cpa if segment == "new" else None]
        assert ratios == [one if one is None else pytest.approx(one) for one in expected]


def test_cohorts_of_few_buyers_add_up_to_the_orders_all_the_same(region, dbt):
    shop = random_shop(4)
    fill(region, shop)
    region.insert("ledger_orders", [region.ledger("nobody's", "2026-04-02 12:00", 1234)])
    dbt.build(region, "2026-03-01", "2026-07-31", k_anonymity=4)
    cells = region.query("""
        select month, attribution_model, sum(net_revenue), sum(orders) from (
            select month, attribution_model,
                net_revenue - coalesce(lag(net_revenue) over earlier, 0) as net_revenue,
                orders - coalesce(lag(orders) over earlier, 0) as orders
            from finance.payback_cohorts
            window earlier as (partition by cohort, channel, attribution_model order by months_since))
        group by all order by all""")
    wholes = region.query("""
        select date_trunc('month', date)::date, sum(net_revenue), sum(orders) from finance.orders_daily
        group by all order by all""")
    models = sorted((*RULES, *LEARNED))
    assert cells == [(month, model, money, count) for month, money, count in wholes for model in models]
    named = "select count(*) > 0 from finance.payback_cohorts where months_since > 0"
    assert region.query(named) == [(True,)]
    [(waiting,)] = region.query("select max(net_revenue) from finance.payback_cohorts where channel = '(unknown)'")
    assert waiting >= Decimal("12.34")
