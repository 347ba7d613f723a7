"""What a shop configures for itself: tracks that convert at a value, their look-back, channel rules, sources."""

from tests.kit.dbt import OF_CREDIT

LEAD = {"event": "Signed Up", "cents": 1200, "lookback_days": 7}
MODELS = OF_CREDIT


def fill(region):
    region.insert("events", [
        region.event("2026-03-01 10:00", user="u", campaign=("tiktok", "creator", "spring")),
        region.event("2026-03-06 10:00", user="u", campaign=("news", "email", "w9")),
        region.event("2026-03-10 12:00", user="u", type="track", event="Signed Up", order_id="Signed Up:1"),
        region.order("2026-03-10 13:00", "o1", 1000, user="u"),
    ])  # fmt: skip


def credit(region, model="linear"):
    return region.query(f"""
        select channel, revenue::double, conversions::double from finance.romi_daily
        where attribution_model = '{model}' order by all""")


def test_a_configured_track_converts_at_its_value_and_with_its_own_lookback(dbt, region):
    fill(region)
    dbt.build(region, "2026-03-01", "2026-03-10", conversions=[LEAD])
    # The first touch is nine days before: in the order's window, not in the lead's.
    assert credit(region, "first_touch") == [("Email", 12.0, 1.0), ("Organic Social", 10.0, 1.0)]
    assert region.query("select orders, revenue::double from finance.orders_daily") == [(2, 22.0)]


def test_a_track_that_is_configured_no_more_converts_no_more(dbt, region):
    fill(region)
    dbt.build(region, "2026-03-01", "2026-03-10", conversions=[LEAD])
    dbt.build(region, "2026-03-01", "2026-03-10")
    assert region.query("select orders, revenue::double from finance.orders_daily") == [(1, 10.0)]


def test_channel_rules_of_the_shop_come_before_ga4_s(dbt, region):
    fill(region)
    rules = [{"channel": "Influencer's", "source": None, "medium": "creat.*", "campaign": "SPRING"},
             {"channel": "never", "source": "ne", "medium": None, "campaign": None}]  # fmt: skip
    dbt.build(region, "2026-03-01", "2026-03-10", channel_rules=rules)
    assert {channel for channel, *_ in credit(region)} == {"Influencer's", "Email"}


def test_sources_of_the_shop_are_known_and_replace_those_of_the_table(dbt, region):
    region.insert("events", [
        region.event("2026-03-01 10:00", user="u", referrer_host="www.shop-search.example"),
        region.event("2026-03-02 10:00", user="u", referrer_host="google.com"),
        region.order("2026-03-10 13:00", "o1", 1000, user="u"),
    ])  # fmt: skip
    known = [{"source": "shop-search.example", "category": "search"}, {"source": "google.com", "category": "social"}]
    dbt.build(region, "2026-03-01", "2026-03-10", sources=known)
    assert [channel for channel, *_ in credit(region)] == ["Organic Search", "Organic Social"]


def test_weights_and_margins_go_to_their_ends(dbt, region):
    region.insert("events", [
        region.event("2026-03-01 10:00", user="u", campaign=("google", "cpc", "brand")),
        region.event("2026-03-02 10:00", user="u", campaign=("news", "email", "w9")),
        region.event("2026-03-03 10:00", user="u", campaign=("partner", "affiliate", "p")),
        region.order("2026-03-10 13:00", "o1", 1001, user="u"),
        region.event("2026-03-02 10:00", user="v", campaign=("news", "email", "w9")),
        region.event("2026-03-03 10:00", user="v", campaign=("partner", "affiliate", "p")),
        region.order("2026-03-10 13:00", "o2", 500, user="v"),
    ])  # fmt: skip
    dbt.build(region, "2026-03-01", "2026-03-10", margin_rate="1", position_weights=["0", "0", "1"])
    # All of three touches' order goes to the last; of two touches each has half, whatever the weights.
    assert credit(region, "position_based") == [("Affiliates", 12.51, 1.5), ("Email", 2.5, 0.5)]
    assert region.query("select margin::double, cogs::double from finance.orders_daily") == [(15.01, 0.0)]
