"""Holdout experiments: who counts in which arm, what it brought, and when nothing is said."""

import hashlib
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.rebuilding.engine.variables import experiment_variables
from settings import Experiment
from tests.dbt import lift_oracle
from tests.kit.raw_region import pseudonym

START, END, AFTER = date(2026, 6, 1), date(2026, 6, 14), date(2026, 6, 20)
WITHOUT_TESTS = ("--exclude-resource-type", "test")
BUILT = ("--select", "+experiment_lift", *WITHOUT_TESTS)
HOLDOUT = {"control": ["Control"]}


def told(**experiments):
    """Experiments as a build is told them."""
    defaults = {"channel": "Paid Social", "from": START, "to": END}
    return experiment_variables({name: Experiment(**(defaults | one)) for name, one in experiments.items()})


def build(dbt, region, experiments, *built, **variables):
    dbt.build(region, START - timedelta(days=40), AFTER, *(built or BUILT), experiments=experiments, **variables)


def shown(region, person, variation, at=f"{START} 08:00", experiment="holdout", **columns):
    columns = {"user": person} | columns
    return region.event(
        at, type="track", event="Experiment Viewed", experiment=experiment, variation=variation, **columns
    )


def bought(region, person, cents, at=f"{START} 12:00", **columns):
    return region.order(at, f"o{region.lines}", cents, **({"user": person} | columns))


def last_order(region):
    """One after everything, so that the experiments are over."""
    return bought(region, "late", 100, at=f"{AFTER} 12:00")


def fill(region, **arms):
    """By events: `arms` are what each person of a variation spent, in cents."""
    events = [last_order(region)]
    for variation, amounts in arms.items():
        for n, cents in enumerate(amounts):
            events.append(shown(region, f"{variation}{n}", variation))
            events += [bought(region, f"{variation}{n}", cents)] if cents else []
    region.insert("events", events)


def lift_of(region, columns, experiment="holdout"):
    """One row of the mart, or None."""
    found = region.query(f"select {columns} from finance.experiment_lift where experiment = '{experiment}'")
    return found[0] if found else None


def arms_of(region, measure="conversions"):
    """(units, total, buyers) of each arm."""
    found = region.query(f"""
        select arm, unit_count, total::bigint, buyer_count
        from intermediate.int_experiments__arms where measure = '{measure}'""")
    return {arm: tuple(rest) for arm, *rest in found}


def assert_is(found, expected, *, scale=1, within=1e-4):
    assert [float(one) * scale for one in found] == [pytest.approx(one, rel=within) for one in expected]


LIFT = "lift, lift_low, lift_high"
REVENUE = "incremental_revenue, incremental_revenue_low, incremental_revenue_high"
CONTROL, TREATED = [1000] * 20 + [0] * 20, [1200] * 30 + [0] * 10


def test_a_holdout_gives_the_figures_worked_out_by_hand(region, dbt):
    fill(region, Control=CONTROL, Ads=TREATED)
    region.insert("spend", [region.cost(START, "7", 5000, platform="meta_ads", name="summer")])
    build(dbt, region, told(holdout=HOLDOUT), "--select", "*")
    # €9 a person against €5; 30 orders of 40 persons against 20 of 40.
    found = lift_of(region, "lift, conversion_lift, treated_units, control_units, contaminated_units, reason")
    assert found == (pytest.approx(0.8), pytest.approx(0.5), 40, 40, 0, None)
    # 40 × €4 more, half of it margin, on €50 of cost. No touch was ever seen, so attribution gives the channel nothing.
    assert lift_of(
        region, "incremental_conversions, incremental_revenue, incremental_margin, spend, incremental_romi"
    ) == (Decimal(10), Decimal(160), Decimal(80), Decimal(50), pytest.approx(0.6))
    assert lift_of(region, "attribution_model, attributed_romi") == ("linear", -1)
    expected = lift_oracle.lift(TREATED, CONTROL)
    assert_is(lift_of(region, LIFT), expected[0])
    assert_is(lift_of(region, REVENUE), expected[1], scale=100)
    assert_is(
        lift_of(region, "incremental_romi_low, incremental_romi_high"),
        [(one / 2 - 5000) / 5000 for one in expected[1][1:]],
    )


def test_a_person_counts_from_where_and_when_the_first_variation_was_shown(region, dbt):
    region.insert("events", [
        last_order(region),
        shown(region, "both", "control", at=f"{START} 08:00"),
        shown(region, "both", "ads", at=f"{START} 10:00"),
        bought(region, "both", 100, at=f"{START} 07:00"),  # before it was shown anything
        bought(region, "both", 100, at=f"{START} 09:00"),
        bought(region, "both", 100, at=f"{START} 11:00"),
        shown(region, None, "ads", anonymous="phone"),
        region.event(f"{START} 09:00", user="ann", anonymous="phone"),
        bought(region, "ann", 100),  # seen before she logged in
        bought(region, "ann", 100, at=f"{END + timedelta(days=1)} 12:00"),  # when it was over
        shown(region, "early", "ads", at=f"{START - timedelta(days=1)} 23:00"),
        shown(region, "other", "ads", experiment="another"),
        bought(region, "other", 100),
    ])  # fmt: skip
    build(dbt, region, told(holdout=HOLDOUT))
    assert arms_of(region) == {"control": (1, 2, 1), "treated": (1, 1, 1)}
    assert lift_of(region, "contaminated_units, reason") == (1, "too_few_units")


def test_the_draw_by_pseudonym_is_the_documented_one(region, dbt):
    spent = {f"u{n}": (n % 5) * 700 for n in range(300)}
    region.insert("events", [
        last_order(region),
        *[region.event(f"{START - timedelta(days=9)} 12:00", user=user) for user in spent],
        *[bought(region, user, cents) for user, cents in spent.items() if cents],
        region.event(f"{START} 12:00", user="new"), bought(region, "new", 100),  # nobody could have held him out
    ])  # fmt: skip
    build(dbt, region, told(holdout={"assignment": "pseudonym", "control_share": "0.3"}))
    arms = {"control": [], "treated": []}
    for user, cents in spent.items():
        digest = hashlib.md5(f"holdout:{pseudonym(user)}".encode()).hexdigest()
        arms["control" if int(digest[:15], 16) % 1_000_000 < 300_000 else "treated"].append(cents)
    expected = lift_oracle.lift(arms["treated"], arms["control"])
    assert lift_of(region, "treated_units, control_units") == (len(arms["treated"]), len(arms["control"]))
    assert_is(lift_of(region, LIFT), expected[0])
    assert_is(lift_of(region, REVENUE), expected[1], scale=100)


def test_geographies_are_measured_against_themselves_before(region, dbt):
    shops = {
        f"DE-{n}": (1000 * (n + 1), 1000 * (n + 1) + 130 * (n % 4) + (200 * n if n >= 6 else 0)) for n in range(12)
    }
    events = [last_order(region)]
    for place, (before, during) in shops.items():
        events.append(bought(region, place, before, at=f"{START - timedelta(days=9)} 12:00", geography=place.lower()))
        events.append(bought(region, place, during, geography=place))
        events.append(bought(region, place, 9999, at=f"{START - timedelta(days=15)} 12:00", geography=place))
    # An order that does not say where stands where its person was last seen; one of nowhere counts for nobody.
    travels = (("06:00", "DE-0"), ("07:00", "DE-7"), ("13:00", "DE-1"))
    events += [region.event(f"{START} {hour}", user="bob", geography=place) for hour, place in travels]
    events += [bought(region, "bob", 500)]
    events += [bought(region, "nomad", 500)]
    region.insert("events", events)
    shops["DE-7"] = (shops["DE-7"][0], shops["DE-7"][1] + 500)
    control = [f"de-{n}" for n in range(6)]
    build(dbt, region, told(holdout={"assignment": "geography", "control": control, "pre_days": 14}))
    held, reached = list(shops.values())[:6], list(shops.values())[6:]
    expected = lift_oracle.lift(
        [during for _, during in reached], [during for _, during in held],
        [before for before, _ in reached], [before for before, _ in held],
    )  # fmt: skip
    assert lift_of(region, "treated_units, control_units, reason") == (6, 6, None)
    assert_is(lift_of(region, LIFT), expected[0], within=1e-3)
    assert_is(lift_of(region, REVENUE), expected[1], scale=100, within=2e-3)


def test_arms_of_few_buyers_and_what_subtraction_would_show_are_not_told(region, dbt):
    fill(region, Control=[500] * 9 + [0] * 30, Ads=[500] * 10 + [0] * 30, Maybe=[500] * 4 + [0] * 30)
    two = ["Control", "Ads"]
    experiments = told(
        holdout={"control": ["Control", "Maybe"]},
        few={"id": "holdout", "control": ["Control"], "treated": ["Ads"]},
        rest={"id": "holdout", "control": two, "treated": ["Nobody"]},
        # Everybody but four: all orders of the days less both arms' would be theirs.
        left={"id": "holdout", "control": ["Ads"], "treated": ["Control"]},
    )
    build(dbt, region, experiments, k_anonymity=10)
    assert lift_of(region, "reason", "holdout") == (None,)
    assert lift_of(region, "reason", "few") == ("too_few_buyers",)
    assert lift_of(region, "lift, conversion_lift_low, incremental_revenue, incremental_romi", "few") == (None,) * 4
    assert lift_of(region, "reason, treated_units", "rest") == ("too_few_units", 0)
    build(dbt, region, experiments, k_anonymity=9)
    assert lift_of(region, "reason", "left") == ("too_few_buyers",)
    build(dbt, region, experiments, k_anonymity=4)
    assert lift_of(region, "reason", "left") == (None,)


@pytest.mark.slow  # a unit test beside int_privacy__arms_to_show holds the rule
def test_what_is_shown_of_an_experiment_changes_by_k_buyers_or_not_at_all(new_region, dbt):
    def comes(region, *persons):
        region.insert("events", [one for n in persons for one in (
            shown(region, f"late{n}", "Ads"), bought(region, f"late{n}", 70_000)
        )])  # fmt: skip
        build(dbt, region, told(holdout=HOLDOUT), k_anonymity=10)
        return lift_of(region, "incremental_revenue, lift, treated_units")

    growing, at_once = new_region(), new_region()
    for region in (growing, at_once):
        fill(region, Control=[500] * 20 + [0] * 30, Ads=[900] * 20 + [0] * 30)
    before = comes(growing)
    assert comes(growing, 1) == before
    assert comes(growing, *range(2, 10)) == before
    assert comes(growing, 10) == comes(at_once, *range(1, 11)) != before


def test_what_has_not_begun_has_no_row_and_what_runs_has_no_figures(region, dbt):
    fill(region, Control=CONTROL, Ads=TREATED)
    tomorrow = AFTER + timedelta(days=1)
    later = {"from": tomorrow, "to": tomorrow} | HOLDOUT
    build(dbt, region, told(holdout={"to": AFTER} | HOLDOUT, later=later))
    assert lift_of(region, "reason, lift, incremental_revenue, treated_units") == ("running", None, None, 40)
    assert lift_of(region, "reason", "later") is None


def test_a_control_arm_near_nothing_has_no_interval_and_one_of_nothing_no_lift(region, dbt):
    fill(region, Control=[900] + [0] * 39, Ads=TREATED, Nobody=[0] * 40)
    pair = {"id": "holdout", "treated": ["Ads"]}
    build(
        dbt, region, told(near=pair | {"control": ["Control"]}, nothing=pair | {"control": ["Nobody"]}), k_anonymity=0
    )
    assert lift_of(region, f"reason, {LIFT}", "near") == ("unbounded_interval", pytest.approx(39), None, None)
    assert lift_of(region, "incremental_conversions", "near") == (29,)
    assert lift_of(region, "reason, lift, incremental_revenue", "nothing") == ("no_control_outcome", None, None)


def test_attributed_romi_is_what_romi_daily_shows_and_spend_is_all_cost(region, dbt):
    fill(region, Control=CONTROL, Ads=TREATED)
    # The two buyers of winter are too few for a cell: with their cost and those of Email they make up (other).
    campaigns = [("facebook.com", "cpc", name) for name in ["summer"] * 10 + ["winter"] * 2]
    campaigns += [("news", "email", "w9")] * 2
    region.insert("events", [
        region.event(f"{START} 09:00", user=f"Ads{n}", campaign=campaign) for n, campaign in enumerate(campaigns)
    ])  # fmt: skip
    region.insert("spend", [
        region.cost(START + timedelta(days=day), campaign, 700, platform="meta_ads", name=campaign)
        for day in (-1, 0, 1) for campaign in ("summer", "winter")
    ])  # fmt: skip
    both = told(holdout=HOLDOUT, summer={"id": "holdout", "campaign": "summer"} | HOLDOUT)
    build(dbt, region, both, "--select", "+experiment_lift", "+romi_daily", *WITHOUT_TESTS, k_anonymity=3)
    for experiment, named in (("holdout", "true"), ("summer", "campaign = 'summer'")):
        where = f"channel = 'Paid Social' and {named} and date between '{START}' and '{END}'"
        [(expected,)] = region.query(f"""
            select (sum(margin) - sum(spend)) / sum(spend) from finance.romi_daily
            where attribution_model = 'linear' and {where}""")
        [(spend,)] = region.query(f"select sum(spend_cents) / 100 from intermediate.int_spend__daily_costs"
                                  f" where {where.replace('date ', 'spend_on ')}")  # fmt: skip
        assert lift_of(region, "attributed_romi, spend", experiment) == (pytest.approx(expected), pytest.approx(spend))
        assert expected > 0
    assert lift_of(region, "spend") == (Decimal(28),)


def test_names_are_taken_as_they_are_written(region, dbt):
    events = [last_order(region)]
    for n in range(30):
        events += [shown(region, f"c{n}", "Mum's", experiment="O'Neill"), bought(region, f"c{n}", 100 + n)]
        events += [shown(region, f"t{n}", "{{ 1 }}", experiment="o'neill"), bought(region, f"t{n}", 100 + n)]
    region.insert("events", events)
    build(dbt, region, told(**{"O'Neill": {"control": ["mum's"], "channel": "It's"}}))
    assert region.query("select experiment, channel, lift, reason from finance.experiment_lift") == [
        ("O'Neill", "It's", 0, None)
    ]


def test_without_experiments_the_tables_are_there_and_empty(region, dbt):
    fill(region, Control=CONTROL)
    dbt.build(region, START, AFTER)
    assert region.query("select count(*) from finance.experiment_lift") == [(0,)]
    assert region.query("select count(*) from intermediate.int_experiments__arms") == [(0,)]


AMOUNTS = st.lists(st.sampled_from([0, 0, 500, 1234, 9999]), min_size=30, max_size=40).map(
    lambda some: [700, 800, *some]
)


@settings(settings.get_profile("few_shops"), max_examples=3)
@given(AMOUNTS, AMOUNTS, st.integers(2, 9), st.integers(1, 5000))
def test_arms_can_be_swapped_money_scaled_and_equal_outcomes_added(dbt, new_region, one, other, factor, extra):
    region = new_region()
    events = [last_order(region)]
    kinds = {
        "plain": lambda cents: [cents],
        "scaled": lambda cents: [cents * factor],
        "more": lambda cents: [cents, extra],
    }
    for kind, outcomes in kinds.items():
        for arm, amounts in (("a", one), ("b", other)):
            for n, cents in enumerate(amounts):
                person = f"{kind}{arm}{n}"
                events.append(shown(region, person, arm, experiment=kind))
                events += [bought(region, person, amount) for amount in outcomes(cents) if amount]
    region.insert("events", events)
    build(dbt, region, told(
        **{kind: {"control": ["a"]} for kind in kinds}, swapped={"id": "plain", "control": ["b"]},
    ))  # fmt: skip
    ours = lift_of(region, LIFT, "plain")
    swapped = lift_of(region, LIFT, "swapped")
    assert lift_of(region, LIFT, "scaled") == pytest.approx(ours)
    assert swapped[0] == pytest.approx(1 / (1 + ours[0]) - 1)
    if ours[1] is not None and swapped[1] is not None and ours[1] > -1:
        assert swapped[1:] == pytest.approx((1 / (1 + ours[2]) - 1, 1 / (1 + ours[1]) - 1))
    increments = {kind: [float(one) for one in lift_of(region, REVENUE, kind)] for kind in (*kinds, "swapped")}
    assert increments["more"] == pytest.approx(increments["plain"], abs=0.02)
    # The same difference per person, the other way round.
    middle, least, most = (-amount * len(one) / len(other) for amount in increments["plain"])
    assert increments["swapped"] == pytest.approx([middle, most, least], abs=0.02)
