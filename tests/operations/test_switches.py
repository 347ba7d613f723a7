"""Features are on, off or in the shadow by region: what that publishes, withholds and loads, and where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.books import region_file
from operations import switches
from operations.publishing.expectation_gate import Gate
from operations.publishing.publish import publish
from quality.expectations.catalogue import RULES
from settings import Settings, UsageError, load_settings
from tests.ingestion import conftest
from tests.kit.prebuilt import copy_of
from tests.operations import marts
from tests.operations.marts import DAYS, NOW, ask, build, change, publish_now

settings, shop = marts.settings, marts.shop
clock, zone = conftest.clock, conftest.zone

_MARKOV = """
    insert into finance.romi_daily select * replace ('markov' as attribution_model, 'Email' as channel)
        from finance.romi_daily where attribution_model = 'linear';
    insert into finance.romi_monthly select * replace ('markov' as attribution_model, 'Email' as channel)
        from finance.romi_monthly where attribution_model = 'linear'"""
_MODELS = (
    "select region, list(distinct attribution_model order by attribution_model) from finance.romi_daily group by 1"
)


def with_features(settings: Settings, **features) -> Settings:
    return Settings(**{**settings.model_dump(), "features": features})


@pytest.fixture
def markov(shop: Settings) -> Settings:
    for region in ("eu", "us"):
        change(shop, region, _MARKOV)
    return shop


def _publish_markov(folder: Path) -> None:
    copy_of(marts.build_shop, folder)
    for region in ("eu", "us"):
        change(marts.settings_of(folder), region, _MARKOV)
    publish_now(marts.settings_of(folder))


@pytest.fixture
def shown(settings: Settings, tmp_path: Path) -> Settings:
    """The same, published."""
    copy_of(_publish_markov, tmp_path)
    return settings


@pytest.mark.parametrize("state", ["off", "shadow"])
def test_a_model_is_published_where_it_is_on_and_its_states_stand_in_the_version(shown, state):
    switched = with_features(shown, markov={"default": True, "us": state})
    publish_now(switched)
    assert dict(ask(switched, _MODELS)) == {"eu": ["last_touch", "linear", "markov"], "us": ["last_touch", "linear"]}
    stand = "select region, switches from meta.versions order by region"
    assert ask(switched, stand) == [("eu", ""), ("us", f"markov {state}")]
    assert ask(switched, "select count(*) from finance.restatements") == [(0,)], "a switch restates nothing"
    assert publish(switched, clock=lambda: NOW) is None, "nothing new"
    publish_now(shown)
    assert dict(ask(shown, _MODELS))["us"] == ["last_touch", "linear", "markov"], "it is there again"
    assert ask(shown, "select count(*) from finance.restatements") == [(0,)]


def test_days_that_are_held_back_show_no_model_that_is_off_either(shown):
    change(shown, "us", "update ops.days set withheld_reason = 'accuracy' where day = '2026-01-30'")
    switched = with_features(shown, markov="off")
    publish_now(switched)
    assert ask(switched, "select count(*) from finance.romi_daily where attribution_model = 'markov'") == [(0,)]
    assert ask(switched, "select count(*) from finance.romi_daily where region = 'us' and date = '2026-01-30'") != [
        (0,)
    ]  # fmt: skip


def test_a_model_in_the_shadow_is_compared(markov):
    switched = with_features(markov, markov="shadow")
    with region_file(switched, "eu", read_only=True) as con:
        assert switches.shadows(con, switched, "eu") == {
            "markov": {"month": "2026-02-01", "revenue": "100.00", "moved": "100.00"}
        }  # fmt: skip
        assert switches.shadows(con, markov, "eu") == {}


def test_a_check_in_the_shadow_is_told_and_withholds_nothing_and_one_that_is_off_is_not_told(shop):
    rule = "check.orders_daily_net_revenue_ties"
    others = {f"check.{one.name}": "off" for one in RULES}  # these marts are made by hand, and tie in little
    states = (("shadow", False, True), ("off", False, False), ("on", True, True))
    for revenue, (state, withheld, told) in enumerate(states, 1):  # what was published is not examined again
        switched = with_features(shop, **(others | {rule: state}))
        build(switched, "eu")
        change(switched, "eu", f"update finance.orders_daily set net_revenue = {revenue} where date = '{DAYS[1]}'")
        gate = Gate(switched)
        publish(switched, clock=lambda: NOW, examine=gate)
        found = [one["places"] for one in gate.findings if one["rule"] == rule.removeprefix("check.")]
        assert bool(found[0]) is told, state
        with region_file(switched, "eu", read_only=True) as con:
            reasons = con.execute("select withheld_reason from ops.days where day = ?", [DAYS[1]]).fetchall()
        assert (reasons != [(None,)]) is withheld, state


def test_archives_of_a_format_that_is_off_wait_are_named_and_load_when_it_is_on(zone):
    zone.archive({}, {})
    on = zone.settings
    zone.settings = with_features(on, segment="off")
    zone.load()
    assert zone.query("select count(*) from ops.archives") == [(0,)]
    from operations.recovery.backlog import of_open_file

    with region_file(zone.settings, "eu", read_only=True) as con:
        backlog = of_open_file(con, zone.settings, "eu")
    assert backlog["archives"] == 0
    assert backlog["switched_off"] == [
        "1 archives of topic web are not read, since features.segment is off; on, they load"
    ]  # fmt: skip
    zone.settings = on
    zone.load()
    assert zone.query("select count(*) from ops.archives") == [(1,)]


def test_a_change_is_booked_once(settings):
    switched = with_features(settings, markov={"us": "off"}, shapley="shadow")
    assert switches.book_changes(settings, ["eu", "us"]) == []
    assert switches.book_changes(switched, ["eu", "us"]) == [
        "eu: shapley is shadow, it was on", "us: markov is off, it was on", "us: shapley is shadow, it was on",
    ]  # fmt: skip
    assert switches.book_changes(switched, ["eu", "us"]) == []
    assert switches.book_changes(settings, ["us"]) == [
        "us: markov is on, it was off",
        "us: shapley is on, it was shadow",
    ]
    assert [one["to"] for one in switches.changes(settings)] == ["shadow", "off", "shadow", "on", "on"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("features: {markow: off}", "unknown feature 'markow'; known: check.<rule>, counterfactual, failover, ga4"),
        ("features: {linear: off}", "unknown feature 'linear'"),
        ("features: {markov: maybe}", "markov: 'maybe' is none of on, off, shadow"),
        ("features: {snowplow: shadow}", "snowplow: a source format is on or off; `romi check FILE` tries"),
        ("features: [markov]", "a feature and its state"),
        ("{regions: {eu: {}}, features: {markov: {us: off}}}", "unknown region 'us'; known: default, eu"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_told_with_what_would_be_right(tmp_path, text, said):
    (tmp_path / "romi.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_settings(tmp_path / "romi.yaml")
    assert said in str(caught.value)


def test_a_check_that_there_is_not_is_told_with_those_there_are(settings):
    with pytest.raises(UsageError, match="unknown check 'x'; known: "):
        switches.check_names(with_features(settings, **{"check.x": "off"}))


def test_on_and_off_may_stand_without_quotes_and_an_automatic_response_is_off_unless_asked_for(tmp_path):
    (tmp_path / "romi.yaml").write_text(
        "features: {markov: {default: on, us: off}, replay: {us: off}}\nincidents: {automatic: [replay]}\n"
    )
    found = load_settings(tmp_path / "romi.yaml")
    assert [found.feature("markov", region) for region in ("eu", "us")] == ["on", "off"]
    assert [found.feature("replay", region) for region in ("eu", "us")] == ["on", "off"]
    assert found.feature("failover", "eu") == "off"
