import json
from decimal import Decimal

import pytest

from ingestion.reading import DEFAULTS
from ingestion.sources.ga4 import to_segment

ROW = {
    "event_name": "page_view",
    "event_timestamp": "1772359200123456",
    "event_bundle_sequence_id": 17,
    "user_pseudo_id": "1234.5678",
}
REFUSED = {"user_pseudo_id": None, "privacy_info": {"analytics_storage": "No", "ads_storage": "No"}}


def segment(**values: object) -> dict:
    return to_segment(ROW | values, DEFAULTS)


def params(**values: object) -> list[dict]:
    kinds = {str: "string_value", int: "int_value", Decimal: "double_value", float: "double_value"}
    every = dict.fromkeys(("string_value", "int_value", "float_value", "double_value"))
    return [{"key": key, "value": every | {kinds[type(value)]: value}} for key, value in values.items()]


def test_a_page_view_is_a_page():
    record = segment(
        user_id="u1", event_params=params(page_location="https://a.example/x", page_referrer="https://b.example/")
    )
    assert record.pop("messageId").startswith("ga4-")
    assert record == {
        "type": "page",
        "anonymousId": "1234.5678",
        "userId": "u1",
        "timestamp": "2026-03-01T10:00:00.123456+00:00",
        "context": {"page": {"url": "https://a.example/x", "referrer": "https://b.example/"}},
    }


def test_a_screen_view_is_a_screen_and_anything_else_a_track():
    assert segment(event_name="screen_view")["type"] == "screen"
    track = segment(event_name="add_to_cart")
    assert (track["type"], track["event"]) == ("track", "add_to_cart")


def test_a_timestamp_is_read_to_the_microsecond_from_number_or_text():
    assert segment(event_timestamp=1772359200123457)["timestamp"] == "2026-03-01T10:00:00.123457+00:00"
    assert segment(event_timestamp="soon")["timestamp"] == "soon"
    assert "timestamp" not in segment(event_timestamp=None)


@pytest.mark.parametrize(("count", "fraction"), [(1772359200, "000000"), (1772359200123, "123000")])
def test_a_timestamp_that_was_turned_into_seconds_or_milliseconds_is_read_as_such(count, fraction):
    assert segment(event_timestamp=count)["timestamp"] == f"2026-03-01T10:00:00.{fraction}+00:00"


def test_parameters_that_were_turned_into_an_object_are_read():
    told = {"page_location": {"string_value": "https://shop.example/"}, "page_referrer": "https://other.example/"}
    page = segment(event_params=told)["context"]["page"]
    assert page == {"url": "https://shop.example/", "referrer": "https://other.example/"}


def test_orders_whose_id_is_not_set_are_not_one_order():
    record = segment(event_name="purchase", event_params=params(transaction_id="(not set)", value="5", currency="EUR"))
    assert "order_id" not in record["properties"]


def test_the_same_row_has_the_same_message_id_whether_numbers_come_as_text_or_not():
    assert segment()["messageId"] == segment(event_timestamp=1772359200123456)["messageId"]


@pytest.mark.parametrize(
    "other",
    [
        {"user_pseudo_id": "1234.5679"},
        {"event_timestamp": "1772359200123457"},
        {"event_name": "scroll"},
        {"event_bundle_sequence_id": 18},
        {"batch_event_index": 2},
        {"batch_ordering_id": 2},
        {"batch_page_id": 2},
        {"ecommerce": {"transaction_id": "o2"}},
    ],
)
def test_another_event_has_another_message_id(other):
    assert segment(**other)["messageId"] != segment()["messageId"]


def test_a_purchase_is_an_order_with_exact_money():
    line = json.dumps(
        ROW
        | {
            "event_name": "purchase",
            "ecommerce": {"transaction_id": "o1", "purchase_revenue": 1, "tax_value": "2.10", "shipping_value": 0},
            "event_params": params(currency="GBP"),
        }
    ).replace('"purchase_revenue": 1', '"purchase_revenue": 900000000000000.03')
    order = to_segment(json.loads(line, parse_float=Decimal), DEFAULTS)
    assert (order["type"], order["event"]) == ("track", "Order Completed")
    assert order["properties"] == {
        "order_id": "o1",
        "revenue": "900000000000000.03",
        "tax": "2.10",
        "shipping": "0",
        "currency": "GBP",
    }


def test_a_purchase_falls_back_on_its_parameters_and_the_reporting_currency():
    order = segment(
        event_name="purchase",
        ecommerce={"transaction_id": "(not set)", "purchase_revenue": None},
        event_params=params(transaction_id="o9", value=Decimal("12.50"), tax=2),
    )
    assert order["properties"] == {"order_id": "o9", "revenue": "12.50", "tax": "2", "currency": "EUR"}


def test_where_somebody_was_is_kept_coarsely():
    geo = {"continent": "Europe", "country": "Germany", "region": "Bavaria", "city": "Passau"}
    assert segment(geo=geo)["context"]["location"] == {"region": "Bavaria", "country": "Germany"}
    assert "location" not in segment(geo={"region": "(not set)", "country": None}).get("context", {})


def test_an_order_without_an_id_is_left_without_one():
    record = segment(event_name="purchase", ecommerce={"transaction_id": "(not set)", "purchase_revenue": 5})
    assert "order_id" not in record["properties"]


def test_a_refund_has_its_tax_and_shipping_in_the_total():
    refund = segment(
        event_name="refund",
        ecommerce={"transaction_id": "o1", "refund_value": Decimal("10.10"), "tax_value": "1.90", "shipping_value": 3},
    )
    assert refund["event"] == "Order Refunded"
    assert refund["properties"] == {"order_id": "o1", "total": "15.00", "currency": "EUR"}


def test_an_amount_that_is_no_number_passes_as_it_came():
    refund = segment(event_name="refund", ecommerce={"refund_value": "ten", "tax_value": 1})
    assert refund["properties"]["total"] == "ten"


def test_campaign_comes_from_the_collected_source():
    collected = {
        "manual_campaign_id": "77", "manual_campaign_name": "Brand", "manual_source": "google",
        "manual_medium": "cpc", "manual_term": "(not set)", "manual_content": None, "gclid": "x",
    }  # fmt: skip
    record = segment(collected_traffic_source=collected, event_params=params(source="other"))
    assert record["context"]["campaign"] == {"id": "77", "name": "Brand", "source": "google", "medium": "cpc"}


def test_campaign_falls_back_on_parameters_whose_stand_ins_are_no_names():
    tags = params(source="google", medium="organic", campaign="(organic)", campaign_id="(not set)")
    assert segment(event_params=tags)["context"]["campaign"] == {"source": "google", "medium": "organic"}


def test_a_click_id_stands_in_for_a_campaign_unless_the_url_has_tags():
    clicked = {"collected_traffic_source": {"gclid": "x"}}
    assert segment(**clicked)["context"]["campaign"] == {"source": "google", "medium": "cpc"}
    tagged = segment(**clicked, event_params=params(page_location="https://a.example/?utm_source=b"))
    assert "campaign" not in tagged["context"]


@pytest.mark.parametrize(("stored", "expected"), [("Yes", True), ("No", False), ("Unset", None), (None, None)])
def test_consent_is_read_from_privacy_info(stored, expected):
    record = segment(privacy_info={"analytics_storage": stored})
    consent = record.get("context", {}).get("consent", {}).get("categoryPreferences", {})
    assert consent.get("Analytics") is expected


def test_a_cookieless_ping_of_a_refusal_is_told_from_a_broken_record():
    for nobody in (REFUSED, {"user_pseudo_id": None}, {"user_pseudo_id": "", "privacy_info": {}}):
        ping = segment(**nobody)
        assert ping["anonymousId"] == ping["messageId"]
        assert ping["context"]["consent"]["categoryPreferences"]["Analytics"] is False


@pytest.mark.parametrize("name", ["purchase", "refund"])
def test_an_order_without_any_identity_is_nobodys(name):
    assert "anonymousId" not in segment(event_name=name, user_pseudo_id=None, privacy_info={})


@pytest.mark.parametrize("guess", [{"source": "google", "medium": "organic", "campaign": "(organic)"},
                                   {"source": "(direct)", "medium": "(none)"}, {}])  # fmt: skip
@pytest.mark.parametrize(
    ("click", "source"),
    [({"page_location": "https://a.example/?x=1&gclid=T"}, "google"), ({"gclid": "T"}, "google"),
     ({"page_location": "https://a.example/?msclkid=T#msclkid=no"}, "bing"), ({"msclkid": "T"}, "bing")],
)  # fmt: skip
def test_a_paid_click_goes_before_what_ga4_guessed(guess, click, source):
    assert segment(event_params=params(**guess, **click))["context"]["campaign"] == {"source": source, "medium": "cpc"}


def test_a_tagged_campaign_stays_whatever_was_clicked():
    tags = params(source="news", medium="email", campaign="w9", page_location="https://a.example/?gclid=T")
    assert segment(event_params=tags)["context"]["campaign"] == {"source": "news", "medium": "email", "name": "w9"}


def test_a_source_that_ga4_took_from_the_referrer_is_the_referrer():
    found = segment(event_params=params(source="www.paypal.com", medium="referral"))["context"]
    assert found == {"page": {"referrer": "https://www.paypal.com/"}}


def test_direct_is_no_campaign():
    assert "context" not in segment(event_params=params(source="(direct)", medium="(none)"))


@pytest.mark.parametrize("value", ["true", "True", 1])
def test_a_referrer_that_ga4_was_told_to_ignore_is_none(value):
    found = params(page_referrer="https://acs.bank.example/", ignore_referrer=value)
    assert "context" not in segment(event_params=found)


def test_a_refund_of_items_is_worth_them_and_one_of_nothing_names_no_amount():
    items = [{"item_id": "a", "price": Decimal("2.50"), "quantity": 2}, {"price": 1}]
    partial = segment(event_name="refund", ecommerce={"transaction_id": "o1"}, items=items)
    assert partial["properties"]["products"] == [{"price": "2.50", "quantity": "2"}, {"price": "1", "quantity": None}]
    whole = segment(event_name="refund", ecommerce={"transaction_id": "o1"})
    assert whole["properties"] == {"order_id": "o1", "currency": "EUR"}


@pytest.mark.parametrize("wrong", [None, 1, "x", [1], {"a": 1}, [{"key": "k"}], [{"key": "k", "value": 1}]])
def test_records_of_a_wrong_type_are_passed_over(wrong):
    names = ("event_params", "collected_traffic_source", "privacy_info", "ecommerce")
    assert segment(**dict.fromkeys(names, wrong)) == segment()
