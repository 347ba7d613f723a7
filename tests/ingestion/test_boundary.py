"""Who passes the boundary with what fate, and what is left of a person behind it."""

import re
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from ingestion.boundary import MASKED, Policy, mask
from ingestion.records import PLAIN, decode_text, read_record
from ingestion.sources.tabular.read import Context
from privacy.keys import Key
from privacy.pseudonyms import pseudonym
from privacy.redaction import REDACTED
from tests.ingestion.sources.tables import spend
from tests.ingestion.strategies import NOW, at, experiment, order, page

KEY = Key("eu", "pseudonym", bytes(range(32)))
POLICY = Policy(KEY, is_consent_default=False, raw_days=395, now=NOW)
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CAMPAIGN = ("campaign_source", "campaign_medium", "campaign_name", "campaign_id")


def masked(*records, policy=POLICY):
    import json

    rows = [{**read_record(decode_text(json.dumps(one)), NOW), "record_offset": n} for n, one in enumerate(records)]
    return mask(pl.DataFrame(rows, schema=PLAIN), policy).sort("record_offset").to_dicts()


def context(base=page, **values):
    return base(context={name: v for name, v in (page()["context"] | values).items() if v is not None})


def consent(analytics, base=page, **values):
    return context(
        base, consent={"categoryPreferences": {"Analytics": analytics}} if analytics is not None else None, **values
    )


def fate(record, **policy):
    return masked(record, policy=replace(POLICY, **policy))[0]["fate"]


def campaign(url, own=None):
    row = masked(context(page={"url": url}, campaign=own))[0]
    return tuple(row[name] for name in CAMPAIGN)


def test_no_rows_stay_no_rows():
    assert mask(PLAIN.to_frame(), POLICY).drop("cut").schema == MASKED


@pytest.mark.parametrize(
    ("analytics", "default", "expected"),
    [(True, False, "loaded"), (False, True, "no_consent"), (None, True, "loaded"), (None, False, "no_consent")],
)
def test_consent_is_the_records_own_or_else_the_regions(analytics, default, expected):
    assert fate(consent(analytics), is_consent_default=default) == expected


@pytest.mark.parametrize(("analytics", "expected"), [(True, "loaded"), (False, "anonymised"), (None, "anonymised")])
@pytest.mark.parametrize("event", ["Order Completed", "Order Refunded", "Order Cancelled"])
def test_a_commerce_track_without_consent_is_kept_without_the_person(event, analytics, expected):
    row = masked(consent(analytics, lambda **c: order(event, **c)))[0]
    assert row["fate"] == expected
    assert row["is_anonymised"] == (expected == "anonymised")
    personal = [row[name] for name in ("anonymous_id", "user_id", *CAMPAIGN, "page_host", "referrer_host")]
    assert all(value is None for value in personal) == (expected == "anonymised")
    assert row["order_id"] == "o-1"


def test_a_robots_behaviour_is_refused_but_not_its_orders():
    assert fate(context(userAgent=BOT)) == "bot"
    assert fate(context(order, userAgent=BOT)) == "loaded"
    assert fate(consent(False, order, userAgent=BOT)) == "anonymised"
    assert fate(context(userAgent=None)) == "loaded"


def test_fates_are_decided_in_the_contracts_order():
    old = at(NOW - timedelta(days=400))
    bot = consent(False, userAgent=BOT)
    assert fate(bot) == "bot"
    assert fate(bot | {"timestamp": old}) == "expired"
    assert fate(order(timestamp=old)) == "expired"


def test_a_record_expires_when_it_is_older_than_the_raw_days():
    edge = NOW - timedelta(days=395)
    assert fate(page(timestamp=at(edge))) == "loaded"
    assert fate(page(timestamp=at(edge - timedelta(microseconds=1)))) == "expired"


def test_what_is_not_kept_has_its_offset_and_fate_and_nothing_else():
    row = masked(consent(False))[0]
    assert {name for name, value in row.items() if value is not None} == {"record_offset", "fate"}


def test_identifiers_become_pseudonyms_by_kind():
    row = masked(page(messageId="x", anonymousId="x", userId="x"))[0]
    assert row["message_id"] == pseudonym(KEY, "message", "x")
    assert row["anonymous_id"] == pseudonym(KEY, "anonymous", "x")
    assert row["user_id"] == pseudonym(KEY, "user", "x")


def test_an_order_number_stays_since_it_ties_to_the_ledger_unless_it_is_an_e_mail_address():
    properties = order()["properties"]
    rows = masked(
        order(properties=properties | {"order_id": "a-1"}),
        order(properties=properties | {"order_id": "jane@example.com"}),
    )
    assert [row["order_id"] for row in rows] == ["a-1", pseudonym(KEY, "order", "jane@example.com")]


def test_an_order_number_is_compared_without_blanks_hash_case_and_what_a_float_adds():
    properties = order()["properties"]
    written = ["A-1", " #a-1 ", "# A-1", "#", "##A-1", "#1001.0", "1001.00", 1001.0, 1001, "1001.01", "v1.0", "1.001.0"]
    rows = masked(*[order(properties=properties | {"order_id": number}) for number in written])
    assert [row["order_id"] for row in rows] == [
        "a-1", "a-1", "a-1", "#", "#a-1", *["1001"] * 4, "1001.01", "v1.0", "1.001.0"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Shop.Example:8443/a?b#c", "shop.example"), ("http://user:pass@shop.example/", "shop.example"),
        ("https://shop.example?x", "shop.example"), ("android-app://com.example.app/x", "com.example.app"),
        ("/relative", None),
        ("shop.example/x", None), ("https://[::1]/", None), ("https://jane%40example.com/", None),
        ("https://shop.example\\@evil/", None),
        ("mailto:jane@example.com", None), ("", None), ("https://b\u00fccher.example/", None),
        ("https://x.example#@y/", "x.example"),
    ],
)  # fmt: skip
def test_of_a_url_the_host_alone_passes(url, host):
    assert masked(context(page={"url": url, "referrer": url}))[0]["page_host"] == host
    assert masked(context(page={"url": url, "referrer": url}))[0]["referrer_host"] == host


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("utm_source=a&utm_medium=b&utm_campaign=c&utm_id=d", ("a", "b", "c", "d")),
        ("x=1&utm_source=news%20letter&utm_campaign=a+b%2Bc", ("news letter", None, "a b+c", None)),
        ("utm_source=&utm_medium=cpc", (None, "cpc", None, None)),
        ("utm_source=%C3%BC&utm_medium=%FF", ("ü", "\ufffd", None, None)),
        ("UTM_SOURCE=a", (None, None, None, None)),
        ("my_utm_source=a", (None, None, None, None)),
        ("utm_source=first&utm_source=second", ("first", None, None, None)),
        ("a#utm_source=b", (None, None, None, None)),
        ("utm_source=a#b&utm_medium=c", ("a", None, None, None)),
        ("utm_source=%20", (None, None, None, None)),
    ],
)
def test_utm_parameters_stand_in_for_an_absent_campaign(query, expected):
    assert campaign(f"https://shop.example/?{query}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        *[(f"{name}=x", ("google", "cpc", None, None)) for name in ("gclid", "gbraid", "wbraid", "dclid")],
        ("msclkid=x", ("bing", "cpc", None, None)),
        ("a=b&gclid=x#c", ("google", "cpc", None, None)),
        ("gclid=", (None, None, None, None)),
        ("x#gclid=y", (None, None, None, None)),
        ("fbclid=x", (None, None, None, None)),
        ("gclid=x&utm_source=a", ("a", None, None, None)),
        ("gclid=x&utm_campaign=c", (None, None, "c", None)),
        ("gclid=x&utm_term=shoes", (None, None, None, None)),
        ("gclid=x&utm_source=", ("google", "cpc", None, None)),
    ],
)
def test_a_paid_click_id_stands_in_where_utm_parameters_are_absent_too(query, expected):
    assert campaign(f"https://shop.example/?{query}") == expected


def test_the_records_own_campaign_wins_and_is_not_mixed_with_the_urls():
    url = "https://shop.example/?utm_source=a&utm_medium=b&utm_campaign=c&utm_id=d&gclid=e"
    assert campaign(url, {"source": "own"}) == ("own", None, None, None)
    assert campaign(url, {"name": "own"}) == (None, None, "own", None)
    assert campaign(url, {}) == ("a", "b", "c", "d")
    assert campaign(url, {"source": "", "name": None}) == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    "value",
    ["jane@example.com", "+49 170 1234567", "4111 1111 1111 1111", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"],
)
def test_campaign_values_shaped_like_a_persons_data_are_redacted(value):
    from urllib.parse import quote, quote_plus

    assert campaign("https://shop.example/", {"source": value, "name": "brand"}) == (REDACTED, None, "brand", None)
    for encoded in (quote(value), quote_plus(value)):
        assert campaign(f"https://shop.example/?utm_source=x&utm_campaign={encoded}") == ("x", None, REDACTED, None)


@pytest.mark.parametrize(
    "ids",
    [
        [f"550e8400-e29b-41d4-a716-44665544000{n}" for n in range(5)],
        [f"000000000{n}" for n in range(5)],
        ["4111111111111111", "5555555555554444", "6011111111111117", "+491701234567"],
    ],
)
def test_campaign_ids_shaped_like_a_persons_data_stay_apart_and_meet_their_cost(ids, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.ingestion.sources.tables.CONTEXT", Context(KEY, "UTC", 1, NOW))
    spent = spend(tmp_path, *[f"2026-03-01,{one},Brand,,,1,EUR" for one in ids]).rows["campaign_id"].to_list()
    assert len(set(spent)) == len(ids)
    for one, told in zip(ids, spent, strict=True):
        assert re.fullmatch(r"\(redacted [0-9a-f]{16}\)", told)
        assert campaign("https://shop.example/", {"id": one})[3] == told
        assert campaign(f"https://shop.example/?utm_id={one}")[3] == told
    assert campaign("https://shop.example/", {"id": "120210987654321098"})[3] == "120210987654321098"


def test_a_phone_number_whose_plus_nobody_encoded_is_redacted_too():
    assert campaign("https://shop.example/?utm_source=+491701234567") == (REDACTED, None, None, None)
    assert campaign("https://shop.example/?utm_source=spring+20260301") == ("spring 20260301", None, None, None)


def labels(record, **policy):
    row = masked(record, policy=replace(POLICY, **policy))[0]
    return tuple(row[name] for name in ("event", "experiment", "variation", "geography"))


def test_an_experiment_shown_is_kept_with_its_variation_and_a_coarse_place():
    assert labels(experiment()) == ("Experiment Viewed", "e-1", "v-2", "Bavaria")
    named = {"experiment_id": "", "experiment_name": "Checkout", "variation_id": None, "variation_name": "Short"}
    assert labels(experiment(properties=named))[1:3] == ("Checkout", "Short")
    assert fate(experiment(context={})) == "no_consent"
    assert labels(experiment(context={}), is_consent_default=True)[3] is None


def test_only_a_track_with_that_name_shows_an_experiment():
    shown = experiment()["properties"]
    assert labels(page(properties=shown)) == (None, None, None, None)
    assert labels(experiment(type="page")) == (None, None, None, "Bavaria")
    assert labels(experiment(event="experiment viewed"))[:3] == (None, None, None)


@pytest.mark.parametrize(
    ("location", "geography"),
    [({"country": "DE"}, "DE"), ({"region": "", "country": "DE"}, "DE"), ({"city": "Passau"}, None), (None, None),
     ("Passau", None), ({"region": ["x"], "country": "DE"}, "DE"), ({"region": 5}, "5"), ({"region": 5.5}, None),
     ({"region": "x" * 65}, "x" * 64), ({"region": "jane@example.com"}, REDACTED)],
)  # fmt: skip
def test_where_somebody_was_is_the_region_or_else_the_country_and_nothing_finer(location, geography):
    assert labels(context(location=location))[3] == geography


def test_labels_that_look_personal_are_redacted():
    shown = {"experiment_id": "jane@example.com", "variation_id": "+49 170 1234567"}
    assert labels(experiment(properties=shown))[1:3] == (REDACTED, REDACTED)


def test_an_order_without_a_person_has_no_place():
    located = order(context={"location": {"region": "Bavaria"}})
    assert masked(located)[0]["fate"] == "anonymised"
    assert labels(located) == ("Order Completed", None, None, None)


def test_of_other_tracks_only_the_names_of_configured_conversions_are_kept():
    named = frozenset({"Signed Up"})
    assert labels(page(type="track", event="Signed Up"), conversions=named)[0] == "Signed Up"
    assert labels(page(type="track", event="Signed Up"))[0] is None
    assert labels(page(type="track", event="jane@example.com"), conversions=named)[0] is None
    assert labels(page(type="page", event="Signed Up"), conversions=named)[0] is None
    refused = consent(False, lambda **c: page(type="track", event="Signed Up", **c))
    assert masked(refused, policy=replace(POLICY, conversions=named))[0]["fate"] == "no_consent"
