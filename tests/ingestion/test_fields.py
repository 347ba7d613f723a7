"""What upstream changed is seen the day it changes: new fields, and fields that make dead letters."""

import json

import pytest

from ingestion import fields
from ingestion.archives import one_in
from ingestion.books import region_file
from ingestion.records import DeadLetter, decode_text, read_record
from ingestion.sources.snowplow import COLUMNS
from settings import Region, Topic
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import NOW, order, page


def summary(zone):
    with region_file(zone.settings, "eu", read_only=True) as con:
        return fields.summary(con)


def released(zone, *records, start=100, topic="web", day="11", monkeypatch=None):
    """What one more archive, a day later, brings up."""
    monkeypatch.setenv("ROMI_NOW", f"2026-03-{day}T12:00:00Z")
    zone.archive(*records, start=start, topic=topic)
    zone.load()
    return summary(zone)


def pages(first, count, **changes):
    return [page(messageId=f"m-{n}", **changes) for n in range(first, first + count)]


def test_what_was_there_from_the_first_load_on_is_not_new(zone):
    zone.archive(*pages(0, 5))
    zone.load()
    assert summary(zone) == {"new": [], "broken": []}
    assert zone.query("select field, records from ops.fields order by all") == [("", 5), ("properties.path", 5)]


@pytest.mark.parametrize("dirt", [[], ["no json"]], ids=["fast reader", "exact reader"])
def test_a_field_that_a_release_adds_is_named_with_its_share(zone, monkeypatch, dirt):
    zone.archive(*pages(0, 5))
    zone.load()
    context = page()["context"] | {"screen": {"width": 5}}
    added = pages(10, 3, properties={"path": "/p", "coupon": "SECRET"}, context=context, sentBy={"a": {"b": 1}})
    found = released(zone, *pages(20, 1), *added, *dirt, monkeypatch=monkeypatch)["new"]
    assert [(one["field"], one["records"], one["share"]) for one in found] == [
        ("context.screen", 3, 0.75), ("properties.coupon", 3, 0.75), ("sentBy", 3, 0.75)
    ]  # fmt: skip
    assert {one["topic"] for one in found} == {"web"}
    assert {one["first_seen_at"] for one in found} == {"2026-03-11T12:00:00Z"}
    assert "SECRET" not in repr(zone.query("from ops.fields"))


def test_after_a_week_a_field_is_no_news(zone, monkeypatch):
    zone.archive(*pages(0, 2))
    zone.load()
    assert released(zone, *pages(10, 2, extra=1), monkeypatch=monkeypatch)["new"]
    assert not released(zone, *pages(20, 2, extra=1), start=200, day="18", monkeypatch=monkeypatch)["new"]


def paid(**changes):
    return order(properties=order()["properties"] | changes)


@pytest.mark.parametrize(
    ("record", "field", "reason"),
    [
        (page(userId=5.5), "userId", "invalid_type"),
        (page(context="x"), "context", "invalid_type"),
        (page(context={"page": {"url": 5}}), "context.page.url", "invalid_type"),
        (page(context={"consent": {"categoryPreferences": {"Analytics": "yes"}}}),
         "context.consent.categoryPreferences.Analytics", "invalid_type"),
        (paid(revenue=True), "properties.revenue", "invalid_type"),
        (paid(revenue="1,500"), "properties.revenue", "invalid_money"),
        (paid(revenue=None, tax="?"), "properties.tax", "invalid_money"),
        (paid(currency="XXQ"), "properties.currency", "unknown_currency"),
        (paid(revenue=None, total=None), "properties.revenue", "missing_field"),
        (page(messageId=None), "messageId", "missing_field"),
        (page(anonymousId="", userId=None), "anonymousId", "missing_field"),
        (page(timestamp="now"), "timestamp", "invalid_timestamp"),
        (page(receivedAt="now"), "receivedAt", "invalid_timestamp"),
        (page(timestamp="2027-01-01T00:00:00Z"), "timestamp", "future_timestamp"),
    ],
)  # fmt: skip
def test_a_dead_letter_names_the_field_that_is_to_blame(record, field, reason):
    with pytest.raises(DeadLetter) as caught:
        read_record(decode_text(json.dumps(record)), NOW)
    assert (caught.value.field, caught.value.reason) == (field, reason)


def test_a_field_that_changes_its_type_is_named_with_its_share_of_the_day(zone, monkeypatch):
    zone.archive(*pages(0, 7))
    zone.archive(*pages(50, 3), topic="app")
    zone.load()
    broken = pages(10, 2, userId=5.5)
    found = released(zone, *pages(20, 6), *broken, "no json, to blame on no field", monkeypatch=monkeypatch)["broken"]
    assert [(one["topic"], one["field"], one["reason"], one["records"], one["share"]) for one in found] == [
        ("web", "userId", "invalid_type", 2, 2 / 9)
    ]
    assert not released(zone, *pages(30, 1), start=200, day="12", monkeypatch=monkeypatch)["broken"]


@pytest.mark.parametrize(
    "key", ["jane@example.com", "+49 170 1234567", "user83645", "Müller", "x" * 65, "a\u0000b", ""]
)
def test_a_name_that_may_be_a_persons_is_redacted(zone, key):
    zone.archive(page(properties={key: 1, "path": "/"}, **{key + "q": 1}))
    zone.load()
    names = [name for (name,) in zone.query("select field from ops.fields order by all")]
    assert "properties.(redacted)" in names
    assert key == "" or key not in repr(names)


def test_the_names_of_a_topic_are_bounded(zone, monkeypatch):
    monkeypatch.setattr(fields, "MAX_NAMES", 10)
    for start in range(0, 60, 20):
        names = [chr(97 + start // 20) + chr(97 + n) for n in range(20)]
        zone.archive(page(messageId=f"m-{start}", properties=dict.fromkeys(names, 1)), start=start)
        zone.load()
    assert zone.query("select count(distinct field) from ops.fields where field <> ''") == [(11,)]
    assert zone.query("select sum(records) from ops.fields where field = '(others)'") == [(50,)]


def test_of_a_large_archive_a_sample_is_looked_at(zone):
    path = zone.archive(*pages(0, 3000))
    zone.load()
    share = 3000 / one_in(path)
    [(looked_at,)] = zone.query("select records from ops.fields where field = ''")
    assert share / 2 < looked_at < share * 2 < 300


def test_a_copy_of_the_load_notes_the_same(zone, tmp_path):
    zone.archive(*pages(0, 3, extra=1))
    zone.load()
    before = zone.query("from ops.fields")
    zone.load()
    assert zone.query("from ops.fields") == before


def snowplow(number, *schemas):
    row = dict.fromkeys(COLUMNS, "") | {
        "event": "page_view", "event_id": f"e-{number}", "domain_userid": "d", "collector_tstamp": "2026-03-10 10:00:00"
    }  # fmt: skip
    row["contexts"] = json.dumps({"schema": "iglu:any", "data": [{"schema": one, "data": {"a": 1}} for one in schemas]})
    return "\t".join(row[name] for name in COLUMNS)


def ga4(number, *params, **columns):
    entries = [{"key": key, "value": {"string_value": "SECRET"}} for key in ("page_location", *params)]
    return {"event_name": "page_view", "event_timestamp": f"177313680000000{number}", "user_pseudo_id": "p",
            "event_params": entries} | columns  # fmt: skip


SESSION, STEP = (
    "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2",
    "iglu:com.acme/step/jsonschema/1-0-0",
)


@pytest.mark.parametrize(
    ("source_format", "before", "after", "names"),
    [
        ("snowplow", [snowplow(1, SESSION)], [snowplow(2, SESSION, STEP, STEP), snowplow(3)], {"com.acme.step"}),
        ("ga4", [ga4(1, "ga_session_id")], [ga4(2, "coupon", is_active_user=True), ga4(3, "ga_session_id")],
         {"event_params.coupon", "is_active_user"}),
    ],
)  # fmt: skip
def test_other_formats_have_new_names_too(tmp_path, monkeypatch, source_format, before, after, names):
    zone = Zone(
        tmp_path, regions={"eu": Region(consent_default="granted")}, topics={"web": Topic(format=source_format)}
    )
    zone.archive(*before)
    zone.load()
    found = released(zone, *after, "broken", monkeypatch=monkeypatch)["new"]
    assert {(one["field"], one["records"]) for one in found} == {(name, 1) for name in names}
    assert "SECRET" not in repr(zone.query("from ops.fields"))
