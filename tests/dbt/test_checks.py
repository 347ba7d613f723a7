"""Each dbt test on a clean shop, where it is silent, and on the same shop with a fault put in that it must see."""

import duckdb
import pytest

from tests.kit.raw_region import Region

WINDOW = ("2026-03-01", "2026-03-05")
AGAIN = "insert into {0} from (from {0} limit 1)"  # a row twice
CREDITS = "intermediate.int_attribution__touch_credits"
PUBLISHED = "intermediate.int_privacy__published_credits"
CURRENCIES = "intermediate.int_privacy__published_currencies"
COHORTS = "intermediate.int_privacy__published_cohorts"
FATES = "intermediate.int_privacy__published_fates"
ONE_BUYER = f"update {PUBLISHED} set buyer_id = (select max(buyer_id) from {PUBLISHED})"
# By the test's name: what it must see.
FAULTS = {
    "a_person_starts_one_session_at_a_time": """
        update intermediate.int_sessions__touchpoints set touched_at = '2026-03-02', person_id = null;
        insert into intermediate.int_sessions__touchpoints
            select t.* from intermediate.int_sessions__touchpoints as t, range(1000)""",
    "channel_weights_has_one_row_per_grain": AGAIN.format("finance.channel_weights"),
    "credits_add_up_to_their_order": f"delete from {CREDITS} where order_id = 'o1'",
    "every_order_of_the_ledger_is_a_conversion": """
        delete from intermediate.int_orders__conversions where order_id = 'o1'""",
    "every_touch_has_a_channel": "update intermediate.int_sessions__touchpoints set channel = null",
    "experiment_lift_has_one_row_per_grain": AGAIN.format("finance.experiment_lift"),
    "int_attribution__channel_weights_has_one_row_per_grain": AGAIN.format(
        "intermediate.int_attribution__channel_weights"
    ),
    "int_attribution__channel_weights_shares_add_up_to_one": """
        update intermediate.int_attribution__channel_weights set share = share + 0.001""",
    "int_attribution__touch_credits_has_one_row_per_grain": AGAIN.format(CREDITS),
    "int_attribution__learning_paths_has_one_row_per_grain": AGAIN.format(
        "intermediate.int_attribution__learning_paths"
    ),
    "int_experiments__arms_has_one_row_per_grain": AGAIN.format("intermediate.int_experiments__arms"),
    "int_fx__daily_rates_has_one_row_per_grain": AGAIN.format("intermediate.int_fx__daily_rates"),
    "int_orders__conversions_has_one_row_per_grain": AGAIN.format("intermediate.int_orders__conversions"),
    "int_sessions__starts_has_one_row_per_grain": AGAIN.format("intermediate.int_sessions__starts"),
    "int_sessions__touchpoints_has_one_row_per_grain": AGAIN.format("intermediate.int_sessions__touchpoints"),
    "int_spend__campaigns_has_one_row_per_grain": AGAIN.format("intermediate.int_spend__campaigns"),
    "int_spend__daily_costs_has_one_row_per_grain": AGAIN.format("intermediate.int_spend__daily_costs"),
    "int_spend__original_costs_has_one_row_per_grain": AGAIN.format("intermediate.int_spend__original_costs"),
    "int_privacy__daily_cells_has_one_row_per_grain": AGAIN.format("intermediate.int_privacy__daily_cells"),
    "int_privacy__monthly_cells_has_one_row_per_grain": AGAIN.format("intermediate.int_privacy__monthly_cells"),
    "int_privacy__published_credits_has_one_row_per_grain": AGAIN.format(PUBLISHED),
    "int_privacy__published_currencies_has_one_row_per_grain": AGAIN.format(CURRENCIES),
    "int_privacy__published_cohorts_has_one_row_per_grain": AGAIN.format(COHORTS),
    "cohorts_hold_k_buyers": f"update {COHORTS} set buyer_id = (select max(buyer_id) from {COHORTS})",
    "int_payback__acquisitions_has_one_row_per_grain": AGAIN.format("intermediate.int_payback__acquisitions"),
    "int_payback__returns_has_one_row_per_grain": AGAIN.format("intermediate.int_payback__returns"),
    "payback_cohorts_has_one_row_per_grain": AGAIN.format("finance.payback_cohorts"),
    "int_privacy__published_fates_has_one_row_per_grain": AGAIN.format(FATES),
    "fates_hold_k_buyers": f"update {FATES} set buyer_id = (select max(buyer_id) from {FATES})",
    "currencies_hold_k_buyers": f"update {CURRENCIES} set buyer_id = (select max(buyer_id) from {CURRENCIES})",
    "days_hold_k_buyers": ONE_BUYER,
    "months_hold_k_buyers": ONE_BUYER,
    "segments_hold_k_buyers": ONE_BUYER,
    "touch_days_hold_k_buyers": ONE_BUYER,
    "channel_sources_stand_once": AGAIN.format("staging.channel_sources"),
    "channel_sources_have_known_categories": "update staging.channel_sources set category = 'serach'",
    "platform_sources_stand_once": AGAIN.format("staging.platform_sources"),
    "int_spend__campaign_keys_has_one_row_per_grain": AGAIN.format("intermediate.int_spend__campaign_keys"),
    "currencies_stand_once": AGAIN.format("staging.currencies"),
    "months_are_the_sum_of_their_days": "update finance.romi_monthly set revenue = revenue + 0.01",
    "orders_by_currency_has_one_row_per_grain": AGAIN.format("finance.orders_by_currency"),
    "orders_daily_has_one_row_per_grain": AGAIN.format("finance.orders_daily"),
    "romi_by_segment_has_one_row_per_grain": AGAIN.format("finance.romi_by_segment"),
    "romi_by_touch_date_has_one_row_per_grain": AGAIN.format("finance.romi_by_touch_date"),
    "romi_daily_conserves_conversions": "update finance.orders_daily set orders = orders + 1",
    "romi_daily_conserves_money": "update finance.romi_daily set cogs = cogs - 0.01 where attribution_model = 'markov'",
    "romi_daily_has_one_row_per_grain": AGAIN.format("finance.romi_daily"),
    "romi_daily_holds_all_cost": "delete from finance.romi_daily where attribution_model = 'linear' and spend > 0",
    "romi_monthly_has_one_row_per_grain": AGAIN.format("finance.romi_monthly"),
    "segments_add_up_to_their_month": "delete from finance.romi_by_segment where attribution_model = 'linear'",
    "spend_daily_has_one_row_per_grain": AGAIN.format("finance.spend_daily"),
    "touch_days_hold_all_credit": "update finance.romi_by_touch_date set conversions = conversions - 0.000001",
}


@pytest.fixture(scope="module")
def shop(whole_dbt, tmp_path_factory):
    """Orders with touches, cost, an experiment; built, with every test's SQL as dbt compiled it."""
    region = Region(tmp_path_factory.mktemp("checks") / "eu.duckdb")
    events, ledger = [], []
    for n in range(1, 17):
        day = f"2026-03-0{n % 4 + 1}"
        view = {"campaign": ("google", "cpc", "brand" if n // 4 % 2 else "shoes")}
        events.append(region.event(f"{day} 09:00", user=n, **view))
        events.append(region.event(f"{day} 09:30", user=n, type="track", event="Experiment Viewed", experiment="e",
                                   variation="on" if n % 2 else "off"))  # fmt: skip
        events.append(region.order(f"{day} 12:00", f"o{n}", 1000 + n, user=n))
        ledger.append(region.ledger(f"o{n}", f"{day} 12:00", 1000 + n))
    for n in range(1, 9):  # who come again
        events.append(region.order("2026-03-05 12:00", f"r{n}", 700 + n, user=n))
    ledger += [region.ledger(f"l{n}", "2026-03-05 12:00", 500 + n) for n in range(4)]  # that only it knows
    region.insert("events", events)
    region.insert("ledger_orders", ledger)
    region.insert("spend", [region.cost(f"2026-03-0{day}", "1", 500, name="brand") for day in range(1, 5)])
    experiment = {
        "name": "e", "id": "e", "channel": "Paid Search", "campaign": None, "assignment": "events",
        "from_date": "2026-03-01", "to_date": "2026-03-04", "pre_from_date": "2026-02-01", "control": ["off"],
        "treated": [], "control_millionths": 100000, "confidence": "0.95", "quantile": "1.96",
    }  # fmt: skip
    variables = {"k_anonymity": 2, "experiments": [experiment]}
    whole_dbt.build(region, *WINDOW, **variables)
    found = whole_dbt("test", region, *WINDOW, "--exclude-resource-type", "unit_test", **variables)
    compiled = {one.node.name: one.node.compiled_code for one in found.result.results}
    con = duckdb.connect()
    con.execute(f"attach '{region.path}' as region; use region; set TimeZone = 'UTC'")
    yield con, compiled
    con.close()


def test_every_dbt_test_has_a_fault_that_it_must_see(shop):
    assert set(FAULTS) == set(shop[1])


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_check_is_silent_on_a_clean_shop_and_sees_its_fault(shop, name):
    con, compiled = shop
    assert con.execute(compiled[name]).fetchall() == []
    con.execute("begin")
    try:
        for statement in FAULTS[name].split(";\n"):
            con.execute(statement)
        assert con.execute(compiled[name]).fetchall()
    finally:
        con.execute("rollback")


def test_of_few_rows_no_proportion_is_told(shop):
    con, compiled = shop
    con.execute("begin")
    con.execute(AGAIN.format("intermediate.int_sessions__touchpoints"))
    assert con.execute(compiled["a_person_starts_one_session_at_a_time"]).fetchall() == []
    con.execute("rollback")
