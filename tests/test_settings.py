import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from settings import Conversion, Section, Settings, UnknownValueError, UsageError, is_region_name, load_settings, now

EXPERIMENT = "experiments: {e: {channel: c, from: 2026-06-01, to: 2026-06-30, %s}}"


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "romi.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_without_a_file_everything_is_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings() == Settings()


def test_a_file_in_the_working_directory_is_read(tmp_path, monkeypatch, config):
    config("reporting_currency: USD")
    monkeypatch.chdir(tmp_path)
    assert load_settings().reporting_currency == "USD"


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(UsageError, match="no configuration file at"):
        load_settings(tmp_path / "romi.yaml")


def test_arguments_win_over_the_file_unless_they_are_none(config):
    path = config("landing: here\nwarehouse: there")
    settings = load_settings(path, landing="elsewhere", warehouse=None)
    assert (settings.landing, settings.warehouse) == ("elsewhere", Path("there"))


def test_decimals_are_read_as_they_are_written(config):
    settings = load_settings(
        config("regions: {eu: {margin_rate: 0.1}}\nattribution: {position_weights: [0.1, 0.2, 0.7]}")
    )
    assert settings.region("eu").margin_rate == Decimal("0.1")
    assert sum(settings.attribution.position_weights) == 1


@pytest.mark.parametrize(
    "text", ["", "regions:", "topics:\nattribution:\nprivacy:\nretention:\nslo:\nexperiments:", "topics: {web: }"]
)
def test_a_key_with_nothing_under_it_is_default(config, text):
    settings = load_settings(config(text))
    assert settings.region("eu").timezone == "UTC"
    assert settings.topic("web").format == "segment"


def test_conversions_have_a_value_and_may_have_a_lookback_of_their_own(config):
    text = "attribution: {conversions: {Signed Up: {value: 12.00, lookback_days: 7}, Lead: {value: 0}}}"
    conversions = load_settings(config(text)).attribution.conversions
    assert conversions["Signed Up"] == Conversion(value=Decimal(12), lookback_days=7)
    assert conversions["Lead"] == Conversion(value=Decimal(0), lookback_days=None)
    assert load_settings(config("attribution: {conversions: }")).attribution.conversions == {}


def test_a_region_with_nothing_under_it_has_defaults(config):
    assert load_settings(config("regions: {eu: }")).region("eu").consent_default == "denied"


@pytest.mark.parametrize(
    ("text", "key", "known"),
    [
        ("landnig: x", "landnig", ("landing", "warehouse", "reporting_currency", "regions", "topics", "slo")),
        (
            "regions: {eu: {time_zone: UTC}}",
            "regions.eu.time_zone",
            ("timezone", "consent_default", "margin_rate", "replica"),
        ),
        ("topics: {web: {fromat: ga4}}", "topics.web.fromat", ("format", "layout")),
        ("attribution: {lookback: 3}", "attribution.lookback", ("lookback_days", "payment_domains")),
        ("attribution: {conversions: {A: {worth: 3}}}", "attribution.conversions.A.worth", ("value", "lookback_days")),
        ("privacy: {k: 3}", "privacy.k", ("k_anonymity", "epsilon_per_month")),
        ("retention: {days: 3}", "retention.days", ("raw_days", "backup_days")),
        ("slo: {accuracies: 1}", "slo.accuracies", ("accuracy", "freshness_hours")),
        (
            "experiments: {e: {channel: c, from: 2026-06-01, to: 2026-06-30, control: [a], share: 1}}",
            "experiments.e.share",
            ("channel", "from", "to", "control_share"),
        ),
    ],
)
def test_an_unknown_key_is_an_error_that_lists_the_known_ones(config, text, key, known):
    with pytest.raises(UsageError, match=f"unknown key '{key}'") as caught:
        load_settings(config(text))
    assert all(name in str(caught.value) for name in known)
    assert "\n" not in str(caught.value)


SECTIONS = {
    "Settings": "x: 1",
    "Region": "regions: {eu: {x: 1}}",
    "Topic": "topics: {web: {x: 1}}",
    "Consent": "consent: {x: 1}",
    "Source": "sources: {ledger: {x: 1}}",
    "Fx": "fx: {x: 1}",
    "Spark": "spark: {x: 1}",
    "Attribution": "attribution: {x: 1}",
    "Conversion": "attribution: {conversions: {Signed Up: {value: 1, x: 1}}}",
    "ChannelRule": "attribution: {channel_rules: [{channel: A, source: a}, {channel: B, source: b, x: 1}]}",
    "Privacy": "privacy: {x: 1}",
    "Retention": "retention: {x: 1}",
    "Slo": "slo: {x: 1}",
    "Anomalies": "anomalies: {x: 1}",
    "Anomaly": "anomalies: {consent_rate: {x: 1}}",
    "Backup": "backup: {x: 1}",
    "Publish": "publish: {x: 1}",
    "Postgres": "publish: {postgres: {x: 1}}",
    "Monitoring": "monitoring: {x: 1}",
    "OpenLineage": "monitoring: {openlineage: {file: a.jsonl, x: 1}}",
    "Incidents": "incidents: {x: 1}",
    "Told": "incidents: {roles: [{role: on_call, address: ops, x: 1}]}",
    "Step": "incidents: {ladder: [{after_minutes: 0, role: on_call, x: 1}]}",
    "Stakes": "incidents: {severity: {x: 1}}",
    "Close": "close: {x: 1}",
    "Experiment": EXPERIMENT % "control: [a], x: 1",
}


@pytest.mark.parametrize("section", [Settings, *Section.__subclasses__()], ids=lambda section: section.__name__)
def test_every_section_lists_its_keys(config, section):
    with pytest.raises(UsageError, match=r"unknown key '(.+\.)?x'; known here: ") as caught:
        load_settings(config(SECTIONS[section.__name__]))
    known = str(caught.value).split("known here: ")[1].split(", ")
    assert known == [field.alias or name for name, field in section.model_fields.items()]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("regions: {eu: {timezone: Mars/Olympus}}", "regions.eu.timezone"),
        ("regions: {eu: {consent_default: maybe}}", "regions.eu.consent_default"),
        ("regions: {eu: {margin_rate: 1.5}}", "regions.eu.margin_rate"),
        ("regions: {eu: 5}", "regions.eu"),
        ("regions: {fx: {}}", "regions: 'fx' is not a region name"),
        ("regions: {a/b: {}}", "regions: 'a/b' is not a region name"),
        ("reporting_currency: JPY", "reporting_currency"),
        ("reporting_currency: XXQ", "reporting_currency"),
        ("topics: {web: {format: csv}}", "topics.web.format"),
        ("attribution: {position_weights: [0.5, 0.5, 0.5]}", "attribution.position_weights"),
        ("attribution: {position_weights: [0, 1, 0]}", "attribution.position_weights"),
        ("attribution: {lookback_days: many}", "attribution.lookback_days"),
        ("attribution: {conversions: {Order Completed: {value: 1}}}", "attribution.conversions"),
        ("attribution: {conversions: {order_completed: {value: 1}}}", "attribution.conversions"),
        ("attribution: {conversions: {'': {value: 1}}}", "attribution.conversions"),
        ("attribution: {conversions: {Signed Up: {}}}", "attribution.conversions.Signed Up.value"),
        ("attribution: {conversions: {Signed Up: {value: -1}}}", "attribution.conversions.Signed Up.value"),
        ("attribution: {conversions: {Signed Up: {value: 0.001}}}", "attribution.conversions.Signed Up.value"),
        ("attribution: {conversions: {A: {value: 1, lookback_days: 0}}}", "attribution.conversions.A.lookback_days"),
        ("experiments: {e: {channel: c, from: 2026-06-01, control: [a]}}", "experiments.e.to"),
        (EXPERIMENT % "from: 2026-07-01, control: [a]", "experiments.e: 'to' is a day before 'from'"),
        (EXPERIMENT % "control: []", "experiments.e: 'control' names the variations"),
        (EXPERIMENT % "assignment: geography", "experiments.e: 'control' names the geographies"),
        (EXPERIMENT % "assignment: pseudonym, control: [a]", "experiments.e: 'control' means nothing with"),
        (EXPERIMENT % "assignment: pseudonym, control_share: 1", "experiments.e.control_share"),
        (EXPERIMENT % "control: [a], control_share: 0.2", "it takes control, id, treated"),
        (EXPERIMENT % "control: [a], treated: [b, A]", "'a' stands in both 'control' and 'treated'"),
        (EXPERIMENT % "control: [off]", "experiments.e.control.0"),
        (EXPERIMENT % "control: [a], confidence: 95", "experiments.e.confidence"),
        (
            "regions: {eu: {}}\n" + EXPERIMENT % "control: [a], regions: [uk]",
            "experiments.e.regions: unknown region 'uk'",
        ),
        ("privacy: {epsilon_per_month: -1}", "privacy.epsilon_per_month"),
        ("retention: {raw_days: 0}", "retention.raw_days"),
        ("- a\n- b", "holds no mapping of keys"),
        ("a: [", "cannot be read as YAML"),
        ("1: x", "keys must be words"),
    ],
)
def test_a_wrong_value_is_said_with_its_place_in_one_line(config, text, place):
    path = config(text)
    with pytest.raises(UsageError) as caught:
        load_settings(path)
    assert str(path) in str(caught.value)
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_region_that_is_not_configured_is_refused_where_some_are(config):
    settings = load_settings(config("regions: {eu: {}, us: {}}"))
    assert settings.known_regions() == ["eu", "us"]
    with pytest.raises(UnknownValueError, match="unknown region 'uk'; known: eu, us"):
        settings.region("uk")


def test_an_experiment_is_held_everywhere_or_where_it_says(config):
    text = """
        experiments:
          all: {channel: Email, from: 2026-06-01, to: 2026-06-30, control: ["off"]}
          one: {channel: Email, from: 2026-06-01, to: 2026-06-30, assignment: pseudonym, regions: [eu]}
    """
    settings = load_settings(config(text))
    assert list(settings.experiments_of("eu")) == ["all", "one"]
    assert list(settings.experiments_of("us")) == ["all"]
    assert settings.experiments["one"].control_share == Decimal("0.1")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("eu", True),
        ("us-west_2", True),
        ("2", True),
        ("fx", False),
        ("", False),
        ("-eu", False),
        ("a b", False),
        ("..", False),
    ],
)
def test_names_of_regions(name, is_one):
    assert is_region_name(name) is is_one


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00Z", "2026-03-01t12:00:00z", "2026-03-01T14:00:00+02:00"])
def test_the_clock_can_be_set(monkeypatch, text):
    monkeypatch.setenv("ROMI_NOW", text)
    assert now() == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-03-01T12:00:00", "2026-03-01", "0001-01-01T00:00:00+10:00"])
def test_a_clock_that_cannot_be_read_is_refused(monkeypatch, text):
    monkeypatch.setenv("ROMI_NOW", text)
    with pytest.raises(UsageError, match="ROMI_NOW"):
        now()


def test_without_a_set_clock_it_is_now(monkeypatch):
    monkeypatch.delenv("ROMI_NOW", raising=False)
    before = datetime.now(UTC)
    assert before <= now() <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("channel_rules: [{channel: Mine}]", "one of source, medium and campaign"),
        ("channel_rules: [{channel: Mine, source: '('}]", "no regular expression"),
        ("channel_rules: [{channel: (other), source: x}]", "no name in brackets"),
        ("sources: {x.example: serch}", "'search', 'social', 'video'"),
    ],
)
def test_a_wrong_rule_of_attribution_is_one_line(tmp_path, rules, message):
    (tmp_path / "romi.yaml").write_text(f"attribution: {{{rules}}}")
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        load_settings(tmp_path / "romi.yaml")
    assert "\n" not in str(raised.value)


def test_categories_of_consent_go_by_the_usual_names_unless_the_shop_says_others(config):
    assert load_settings(config("{}")).consent.analytics == (
        "Analytics", "C0002", "performance", "statistics", "analytics_storage",
    )  # fmt: skip
    assert load_settings(config("consent: {analytics: stats, advertising: [ads, 4]}")).consent.advertising == (
        "ads",
        "4",
    )
    for wrong in ("{analytics: []}", "{analytics: ['']}", "{analytics: {a: 1}}", "{analytics: [Targeting]}"):
        with pytest.raises(UsageError, match=r"consent"):
            load_settings(config(f"consent: {wrong}"))


def test_a_regions_currency_is_one_of_iso_4217_in_any_case(config):
    assert load_settings(config("regions: {uk: {currency: gbp}}")).region("uk").currency == "GBP"
    with pytest.raises(UsageError, match=r"currency.* is not a currency of ISO 4217"):
        load_settings(config("regions: {uk: {currency: pounds}}"))
