import csv
import json
import os
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.archives import read_lines
from ingestion.reading import DEFAULTS
from ingestion.sources.snowplow import COLUMNS, split, to_segment
from tests.ingestion.strategies import NOW

PAGE_VIEW = {
    "event": "page_view",
    "event_id": "c6ef3124-b53a-4b13-a233-0088f79dcbcb",
    "domain_userid": "bc2e92ec6c204a14",
    "collector_tstamp": "2026-03-01 10:00:05.5",
    "derived_tstamp": "2026-03-01 10:00:00.123",
}
NOBODY = "00000000-0000-0000-0000-000000000000"


def segment(**fields: str) -> dict:
    return to_segment(PAGE_VIEW | fields, DEFAULTS)


def entity(vendor: str, name: str, data: dict) -> dict:
    return {"schema": f"iglu:{vendor}/{name}/jsonschema/1-0-0", "data": data}


def contexts(*entities: dict) -> str:
    return json.dumps(entity("com.snowplowanalytics.snowplow", "contexts", list(entities)))  # type: ignore[arg-type]


def ecommerce(action: str, name: str, data: dict) -> dict:
    vendor = "com.snowplowanalytics.snowplow.ecommerce"
    event = entity(
        "com.snowplowanalytics.snowplow",
        "unstruct_event",
        entity(vendor, "snowplow_ecommerce_action", {"type": action}),
    )
    return segment(
        event="unstruct",
        event_name="snowplow_ecommerce_action",
        unstruct_event=json.dumps(event),
        contexts=contexts(entity(vendor, name, data)),
    )


@pytest.fixture(scope="module")
def case() -> Path:
    root = Path(os.environ.get("ROMI_CASES", Path(__file__).parents[3].parent / "shared" / "cases"))
    if not (root / "snowplow_fractribution").is_dir():
        pytest.skip("the cases are not here")
    return root / "snowplow_fractribution"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_enriched_tsv_has_131_columns_each_once():
    assert len(COLUMNS) == len(set(COLUMNS)) == 131


def test_the_columns_stand_in_the_order_of_a_real_export(case):
    exported = list(rows(case / "raw_events.csv")[0])
    shredded = {"contexts", "unstruct_event", "derived_contexts"}
    assert [c for c in exported if c in COLUMNS] == [c for c in COLUMNS if c not in shredded]


def test_a_line_is_split_by_position_without_its_empty_fields():
    values = dict.fromkeys(COLUMNS, "") | PAGE_VIEW | {"true_tstamp": ""}
    assert split("\t".join(values[column] for column in COLUMNS) + "\r\n") == PAGE_VIEW


@pytest.mark.parametrize("columns", [1, 130, 132])
def test_a_line_of_another_length_has_no_fields(columns):
    assert split("\t".join(["x"] * columns)) == {}


def test_a_page_view_is_a_page():
    record = segment(
        user_id="u1", useragent="Firefox", user_ipaddress="192.0.2.1", page_url="https://a.example/?q=1",
        page_referrer="https://b.example/",
    )  # fmt: skip
    assert record == {
        "messageId": PAGE_VIEW["event_id"],
        "type": "page",
        "anonymousId": "bc2e92ec6c204a14",
        "userId": "u1",
        "timestamp": "2026-03-01T10:00:00.123Z",
        "receivedAt": "2026-03-01T10:00:05.5Z",
        "context": {
            "page": {"url": "https://a.example/?q=1", "referrer": "https://b.example/"},
            "userAgent": "Firefox",
            "ip": "192.0.2.1",
        },
    }


def test_a_screen_view_is_a_screen_and_anything_else_a_track():
    assert segment(event="unstruct", event_name="screen_view")["type"] == "screen"
    track = segment(event="struct", event_name="add_to_basket")
    assert (track["type"], track["event"]) == ("track", "add_to_basket")


def test_empty_fields_are_absent():
    assert to_segment({"event_id": "", "user_id": ""}, DEFAULTS) == {"type": "track"}


def test_the_collector_time_stands_in_for_the_derived_one_and_an_offset_stays():
    assert segment(derived_tstamp="")["timestamp"] == "2026-03-01T10:00:05.5Z"
    assert segment(derived_tstamp="2026-03-01T10:00:00+01:00")["timestamp"] == "2026-03-01T10:00:00+01:00"


def test_identity_falls_back_from_the_domain_to_the_network_to_the_app():
    session = contexts(entity("com.snowplowanalytics.snowplow", "client_session", {"userId": "app-7"}))
    assert segment(network_userid="n1", contexts=session)["anonymousId"] == "bc2e92ec6c204a14"
    assert segment(domain_userid="", network_userid="n1", contexts=session)["anonymousId"] == "n1"
    assert segment(domain_userid="", contexts=session)["anonymousId"] == "app-7"


def test_anonymous_tracking_does_not_make_everyone_the_same_person():
    assert "anonymousId" not in segment(domain_userid="", network_userid=NOBODY)


def test_campaign_comes_from_the_marketing_columns():
    tags = {
        "mkt_source": "google", "mkt_medium": "cpc", "mkt_campaign": "Brand", "mkt_term": "shoe", "mkt_content": "a",
        "page_url": "https://a.example/?utm_id=77&utm_source=google",
    }  # fmt: skip
    assert segment(**tags)["context"]["campaign"] == {
        "source": "google",
        "medium": "cpc",
        "name": "Brand",
        "term": "shoe",
        "content": "a",
        "id": "77",
    }


def test_not_set_is_no_campaign_name_but_a_tagged_direct_visit_is_a_visit_of_its_own():
    tags = {"mkt_source": "(direct)", "mkt_medium": "(none)", "mkt_campaign": "(not set)"}
    assert segment(**tags)["context"]["campaign"] == {"source": "(direct)", "medium": "(none)"}


def test_the_network_of_a_click_id_stands_in_for_a_campaign():
    assert segment(mkt_clickid="x", mkt_network="Microsoft")["context"]["campaign"] == {
        "source": "bing",
        "medium": "cpc",
    }


def test_where_somebody_was_is_kept_coarsely():
    found = segment(geo_country="DE", geo_region="BY", geo_city="Passau", geo_latitude="48.57")
    assert found["context"]["location"] == {"region": "BY", "country": "DE"}


def test_urls_are_put_together_where_only_their_parts_were_kept():
    parts = {"page_urlhost": "a.example", "page_urlpath": "/x", "page_urlquery": "utm_source=b", "refr_urlpath": "/y"}
    assert segment(**parts)["context"]["page"] == {"url": "https://a.example/x?utm_source=b"}


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({"eventType": "allow_all"}, {"Analytics": True, "Advertising": True}),
        ({"eventType": "withdrawn"}, {"Analytics": False, "Advertising": False}),
        (
            {"eventType": "allow_selected", "consentScopes": ["necessary", "Statistics"]},
            {"Analytics": True, "Advertising": False},
        ),
        ({"eventType": "pending"}, None),
    ],
)
def test_consent_is_read_from_the_consent_entity(preferences, expected):
    attached = contexts(entity("com.snowplowanalytics.snowplow", "consent_preferences", preferences))
    found = segment(contexts=attached).get("context", {}).get("consent", {}).get("categoryPreferences")
    assert found == expected


def test_consent_is_read_from_a_flattened_column_too():
    column = "contexts_com_snowplowanalytics_snowplow_consent_preferences_1_0_0"
    record = segment(**{column: '[{"event_type": "deny_all"}]'})
    assert record["context"]["consent"]["categoryPreferences"]["Analytics"] is False


def test_a_consent_event_is_not_read_since_it_speaks_of_what_comes_after_it():
    event = entity("com.snowplowanalytics.snowplow", "consent_preferences", {"eventType": "allow_all"})
    wrapped = json.dumps(entity("com.snowplowanalytics.snowplow", "unstruct_event", event))
    assert "consent" not in segment(event="unstruct", event_name="consent_preferences", unstruct_event=wrapped).get(
        "context", {}
    )


def test_what_the_iab_knows_for_a_robot_is_one():
    robot = contexts(entity("com.iab.snowplow", "spiders_and_robots", {"spiderOrRobot": True, "category": "SPIDER"}))
    human = contexts(entity("com.iab.snowplow", "spiders_and_robots", {"spiderOrRobot": False, "category": "BROWSER"}))
    assert segment(derived_contexts=robot)["context"]["isBot"] is True
    assert "isBot" not in segment(derived_contexts=human).get("context", {})
    flattened = "contexts_com_iab_snowplow_spiders_and_robots_1"
    assert segment(**{flattened: '[{"spider_or_robot": true}]'})["context"]["isBot"] is True


def test_one_of_the_shops_own_pages_is_no_referrer():
    assert "context" not in segment(page_referrer="https://a.example/", refr_medium="internal")
    assert segment(page_referrer="https://b.example/", refr_medium="unknown")["context"]["page"]


def test_a_total_makes_an_order_without_tax_and_shipping_in_its_revenue():
    order = segment(
        event="transaction", event_name="transaction", tr_orderid="o1", tr_total="119.99", tr_tax="19.10",
        tr_shipping="0.89", tr_currency="GBP",
    )  # fmt: skip
    assert (order["type"], order["event"]) == ("track", "Order Completed")
    assert order["properties"] == {
        "order_id": "o1",
        "revenue": "100.00",
        "tax": "19.10",
        "shipping": "0.89",
        "currency": "GBP",
    }


def test_a_page_view_with_a_total_stays_a_page_and_carries_the_order():
    record = segment(tr_total="24.0")
    assert (record["type"], record["event"]) == ("page", "Order Completed")
    assert record["properties"] == {"order_id": PAGE_VIEW["event_id"], "revenue": "24.0", "currency": "EUR"}
    line = "\t".join((PAGE_VIEW | {"tr_total": "24.0"}).get(name, "") for name in COLUMNS).encode()
    read = read_lines([(0, line)], "snowplow", NOW).rows.row(0, named=True)
    assert (read["type"], read["order_id"], read["revenue_minor"]) == ("page", PAGE_VIEW["event_id"], 2400)


def test_money_keeps_every_digit_of_its_text():
    assert segment(tr_total="900000000000000.03", tr_tax="0.01")["properties"]["revenue"] == "900000000000000.02"
    assert segment(tr_total="1.0E3", tr_tax="0.5")["properties"]["revenue"] == "999.5"


@pytest.mark.parametrize("amount", ["12,50", "NaN", "1e999999999", "1_0"])
def test_an_amount_that_is_no_number_passes_as_it_came(amount):
    assert segment(tr_total=amount, tr_tax="1")["properties"]["revenue"] == amount
    assert segment(tr_total="10", tr_tax=amount)["properties"]["tax"] == amount


def test_an_ecommerce_transaction_is_an_order():
    sale = {"transaction_id": "t1", "revenue": 119.0, "tax": 19, "currency": "USD", "payment_method": "card"}
    order = ecommerce("transaction", "transaction", sale)
    assert order["event"] == "Order Completed"
    assert order["properties"] == {"order_id": "t1", "revenue": "100.0", "tax": "19", "currency": "USD"}


def test_an_ecommerce_refund_is_a_refund():
    refund = ecommerce("refund", "refund", {"transaction_id": "t1", "refund_amount": 20.5, "currency": "USD"})
    assert refund["event"] == "Order Refunded"
    assert refund["properties"] == {"order_id": "t1", "total": "20.5", "currency": "USD"}


@pytest.mark.parametrize("text", ["{", "null", "[1]", '{"schema": 1, "data": 2}', "[" * 100_000])
def test_broken_entities_are_passed_over(text):
    assert segment(contexts=text, unstruct_event=text) == segment()


def test_the_published_case_comes_to_97_sessions_and_6_conversions(case):
    records = [to_segment(row, DEFAULTS) for row in rows(case / "raw_events.csv")]
    pages = sorted((r["anonymousId"], r["timestamp"], r) for r in records if r["type"] == "page")
    orders = [r for r in records if r.get("event") == "Order Completed"]

    assert sessions(pages) == Counter(row["user_id"] for row in rows(case / "touchpoints.csv"))
    expected = {(row["user_id"], Decimal(row["revenue"])) for row in rows(case / "conversions.csv")}
    assert {(user(r), Decimal(r["properties"]["revenue"])) for r in orders} == expected
    assert len({r["properties"]["order_id"] for r in orders}) == 6
    assert sum(Decimal(r["properties"]["revenue"]) for r in orders) == Decimal("500.92")


def user(record: dict) -> str:
    """The package names a person who never logged in 'f' + domain_userid."""
    return "f" + record["anonymousId"]


def sessions(pages: list[tuple[str, str, dict]]) -> Counter[str]:
    """Sessions by user: a new one after 30 minutes, or at another campaign (source, medium, name)."""
    found: Counter[str] = Counter()
    before: tuple = ("", None, None)
    for anonymous_id, timestamp, record in pages:
        at = datetime.fromisoformat(timestamp)
        campaign = record["context"].get("campaign")
        goes_on = before[0] == anonymous_id and at - before[1] <= timedelta(minutes=30)
        if not goes_on or campaign not in (None, before[2]):
            found[user(record)] += 1
        before = (anonymous_id, at, campaign)
    return found
