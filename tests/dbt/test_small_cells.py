"""Maps of cells are made in Python models: what a run is told has to reach them, and all tables have to follow them."""

import pytest

from tests.kit.dbt import OF_CREDIT

MODELS = OF_CREDIT

MARCH = [f"2026-03-{day:02}" for day in range(1, 5)]
MEASURES = "sum(conversions), sum(revenue), sum(refunds), sum(cogs)"


@pytest.fixture
def shop(region):
    """Four days: five buyers each of two campaigns, and one of a third, on each; touches are on the day before."""
    events, number = [], 0
    for day in MARCH[1:]:
        for campaign, buyers in (("brand", 5), ("shoes", 5), ("rare", 1)):
            for _ in range(buyers):
                number += 1
                before = f"2026-03-{int(day[-2:]) - 1:02} 12:00"
                events.append(region.event(before, user=number, campaign=("google", "cpc", campaign)))
                events.append(region.order(f"{day} 12:00", f"o{number}", 1000 + number, user=number))
    region.insert("events", events)
    return region


def campaigns(region, table):
    return region.query(f"select distinct campaign from finance.{table} order by campaign")


def test_each_run_gets_its_own_k(shop, dbt):
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=1)
    for table in ("romi_daily", "romi_monthly", "romi_by_touch_date"):
        assert campaigns(shop, table) == [("brand",), ("rare",), ("shoes",)]
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=2)
    assert campaigns(shop, "romi_monthly") == [("brand",), ("rare",), ("shoes",)]
    for table in ("romi_daily", "romi_by_touch_date"):
        assert ("rare",) not in campaigns(shop, table)
        assert ("(other)",) in campaigns(shop, table)


@pytest.fixture
def advertised(shop):
    """The shop, where three channels sell to few buyers, and two small campaigns of another to enough together.

    A campaign of one of the three, and one of the other, cost something and sell nothing.
    """
    small = ("facebook", "cpc", "feed"), ("news", "email", "w9"), ("partner", "affiliate", "p1")
    sold = [*((one, day) for one in small for day in MARCH[1:]), (("google", "cpc", "seldom"), MARCH[2])]
    shop.insert("events", [
        row for n, (campaign, day) in enumerate(sold, 50) for row in (
            shop.event(f"{day} 10:00", user=n, campaign=campaign), shop.order(f"{day} 12:00", f"f{n}", 5000, user=n),
        )
    ])  # fmt: skip
    ads = (("google_ads", "brand", 700), ("google_ads", "rare", 30), ("google_ads", "idle", 40),
           ("meta_ads", "feed", 50), ("meta_ads", "ghost", 60))  # fmt: skip
    shop.insert("spend", [
        shop.cost(day, name, cents, platform=platform, name=name, clicks=1)
        for day in MARCH for platform, name, cents in ads
    ])  # fmt: skip
    return shop


def cost_of(region, table, where="true"):
    return region.query(f"""
        select channel, campaign, sum(spend)::double from finance.{table}
        where attribution_model = 'linear' and spend > 0 and {where} group by all order by all""")  # fmt: skip


def test_cost_stands_where_its_revenue_does_and_a_channel_takes_along_what_costs_and_sells_nothing(advertised, dbt):
    dbt.build(advertised, MARCH[0], MARCH[-1], k_anonymity=4)
    named = [("Paid Search", "(other)", 1.2), ("Paid Search", "brand", 28), ("Paid Search", "idle", 1.6)]
    assert cost_of(advertised, "romi_monthly") == [("(other)", "(other)", 4.4), *named]
    unsold = "date = '2026-03-01'"  # nobody bought anything: nothing is hidden
    assert cost_of(advertised, "romi_daily", unsold) == [
        ("Paid Search", "brand", 7), ("Paid Search", "idle", 0.4), ("Paid Search", "rare", 0.3),
        ("Paid Social", "feed", 0.5), ("Paid Social", "ghost", 0.6),
    ]  # fmt: skip
    days = [cost_of(advertised, "romi_daily", f"date = '{day}'") for day in MARCH[1:]]
    assert [("Paid Search", "idle", 0.4) in of_day for of_day in days[::2]] == [True, True]
    for of_day in (*days, cost_of(advertised, "romi_by_touch_date", f"date = '{MARCH[2]}'")):
        assert sum(spend for *_, spend in of_day) == pytest.approx(8.8)
        assert "Paid Social" not in [channel for channel, *_ in of_day]


def test_what_is_merged_is_all_there(advertised, dbt):
    shop = advertised
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=4)
    wholes = shop.query("select sum(orders), sum(revenue), sum(refunds), sum(cogs) from finance.orders_daily")
    for table in ("romi_daily", "romi_monthly", "romi_by_touch_date", "romi_by_segment"):
        assert shop.query(f"select distinct {MEASURES} from finance.{table} group by attribution_model") == wholes


def brand(region):
    """What the month shows of a campaign, of all, and of what waits."""
    [row] = region.query("""
        select sum(revenue) filter (campaign = 'brand'), sum(revenue), sum(waiting_revenue)
        from finance.romi_monthly where attribution_model = 'linear'""")
    return row


BRAND, LETTER, FEED = ("google", "cpc", "brand"), ("newsletter", "email", "w9"), ("facebook", "cpc", "feed")


def late_orders(region, first, campaigns):
    """An order of a new buyer for each campaign, all on one day."""
    region.insert("events", [
        row for n, campaign in enumerate(campaigns, first) for row in (
            region.event(f"{MARCH[2]} 10:00", user=100 + n, campaign=campaign),
            region.order(f"{MARCH[2]} 12:00", f"late{n}", 5000, user=100 + n),
        )
    ])  # fmt: skip


def test_what_is_new_waits_in_other_until_k_buyers_have_it_and_is_counted_at_once(shop, dbt):
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=3)
    before, whole, waiting = brand(shop)
    late_orders(shop, 0, [BRAND, BRAND, LETTER, FEED])
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=3)
    assert brand(shop) == (before, whole + 200, waiting + 200)
    late_orders(shop, 4, [BRAND, LETTER])
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=3)
    assert brand(shop) == (before + 150, whole + 300, waiting + 150)


def test_while_steps_are_held_nothing_moves_and_then_k_buyers_do_who_came_later(shop, dbt):
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=3)
    before, whole, waiting = brand(shop)
    late_orders(shop, 0, [BRAND] * 4 + [LETTER])
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=3, steps_are_held=True)
    assert brand(shop) == (before, whole + 250, waiting + 250)
    late_orders(shop, 5, [BRAND] * 2 + [FEED])
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=3)
    assert brand(shop)[0] == before
    late_orders(shop, 8, [BRAND, LETTER])
    dbt.build(shop, MARCH[0], MARCH[-1], k_anonymity=3)
    assert brand(shop)[0] == before + 350
