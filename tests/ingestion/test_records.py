"""Every reason of a dead letter, in the contract's order, and what a record that is none gives."""

import json
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest

from ingestion.records import PLAIN, REASONS, DeadLetter, decode_text, parse_timestamp, read_record
from tests.ingestion.strategies import NOW, order, page


def read(record):
    return read_record(decode_text(json.dumps(record)), NOW)


def reason(record):
    with pytest.raises(DeadLetter) as caught:
        read(record) if isinstance(record, dict) else decode_text(record)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}


def with_properties(record, **values):
    return record | {"properties": {name: v for name, v in (record["properties"] | values).items() if v != "absent"}}


def with_context(**values):
    return page(context=page()["context"] | values)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10)),
        ("2026-03-01t10:00:00z", datetime(2026, 3, 1, 10)),
        ("2026-03-01 10:00:00Z", datetime(2026, 3, 1, 10)),
        ("2026-03-01T10:00:00.5Z", datetime(2026, 3, 1, 10, 0, 0, 500000)),
        ("2026-03-01T10:00:00.123Z", datetime(2026, 3, 1, 10, 0, 0, 123000)),
        ("2026-03-01T10:00:00.123456789123Z", datetime(2026, 3, 1, 10, 0, 0, 123456)),
        ("2026-03-01T10:00:00+02:00", datetime(2026, 3, 1, 8)),
        ("2026-03-01T10:00:00-05:30", datetime(2026, 3, 1, 15, 30)),
        ("2026-03-01T10:00:00+23:59", datetime(2026, 2, 28, 10, 1)),
        ("2026-03-01T10:00:00-00:00", datetime(2026, 3, 1, 10)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1)),
        ("2017-01-01T00:59:60.9+01:00", datetime(2017, 1, 1)),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29)),
    ],
)
def test_rfc_3339_in_all_its_spellings(text, moment):
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T10:00:00", "2026-03-01", "2026-03-01T10:00Z", "2026-03-01T10Z", "20260301T100000Z",
        "2026-3-1T10:00:00Z",
        "2026-02-29T10:00:00Z", "2026-02-30T10:00:00Z", "2026-13-01T10:00:00Z", "2026-00-01T10:00:00Z",
        "2026-04-31T10:00:00Z",
        "2026-03-01T24:00:00Z", "2026-03-01T10:60:00Z", "2026-03-01T10:00:61Z", "2026-03-01T10:00:00+24:00",
        "2026-03-01T10:00:00+10:60",
        "2026-03-01T10:00:00+0200", "2026-03-01T10:00:00+02", "2026-03-01T10:00:00.Z", "2026-03-01T10:00:00,5Z",
        "2026-03-01T10:00:00 Z",
        " 2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z\n", "2026-03-01T10:00:00UTC", "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-01:00", "\uff12\uff10\uff12\uff16-03-01T10:00:00Z", "1773136800",
        "yesterday",
        "+2026-03-01T10:00:00Z",
    ],
)  # fmt: skip
def test_a_timestamp_that_is_impossible_or_has_no_offset_is_invalid(text):
    with pytest.raises(DeadLetter, match=r"^invalid_timestamp$"):
        parse_timestamp(text)
    assert reason(page(timestamp=text)) == "invalid_timestamp"


@pytest.mark.parametrize(
    "text",
    ["{", "", "{]", '{"a":1} x', '{"a":1}{"b":2}', '{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}', "{'a':1}",
    '{"a":01}', '{"a":.5}',
     '{"a":"\t"}', '{"a":"\\x41"}', "[" * 100_000, '{"a":' * 100_000, "\ufeff{}", '{"a":1e9999999999999999999999}',
     "nul"],
)  # fmt: skip
def test_what_is_no_json_is_malformed(text):
    assert reason(text) == "malformed_json"


@pytest.mark.parametrize("text", ["[]", "[{}]", "null", "5", "1.5", '"x"', "true", "[" * 50_000 + "]" * 50_000])
def test_a_line_that_is_no_object_has_an_invalid_type(text):
    assert reason(text) == "invalid_type"


@pytest.mark.parametrize("depth", [60, 200, 50_000])
def test_nesting_of_any_depth_does_not_lose_a_record(depth):
    for opening, closing in (("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")):
        text = json.dumps(page(properties="%")).replace('"%"', opening * depth + '"x"' + closing * depth)
        assert read_record(decode_text(text), NOW) == read(page())


def test_of_a_key_that_comes_twice_the_first_counts():
    assert decode_text('{"a": 1, "a": 2, "b": {"c": 1, "c": {}}, "b": 5}') == {"a": 1, "b": {"c": 1}}


def test_numbers_are_never_floats():
    assert decode_text('{"a": 0.1, "b": 12345678901234567890.123456789}') == {
        "a": Decimal("0.1"), "b": Decimal("12345678901234567890.123456789")}  # fmt: skip


def test_half_a_surrogate_pair_is_replaced_since_no_database_could_hold_it():
    assert read(page(userId="x\ud83d"))["user_id"] == "x\ufffd"
    assert read(page(userId="x\U0001f600"))["user_id"] == "x\U0001f600"


@pytest.mark.parametrize("empty", ["absent", None, "", {}, []])
@pytest.mark.parametrize("name", ["messageId", "type", "timestamp"])
def test_a_record_needs_its_identity_type_and_time(name, empty):
    assert reason(without(page(), name) if empty == "absent" else page(**{name: empty})) == "missing_field"


@pytest.mark.parametrize("empty", ["absent", None, "", {}, []])
def test_a_record_needs_one_of_its_two_ids(empty):
    nobody = without(page(), "anonymousId", "userId")
    one = page(anonymousId=empty) if empty != "absent" else without(page(), "anonymousId")
    if empty in ("absent", None, ""):
        assert read(one)["user_id"] == "u-1"
    assert reason(nobody | ({} if empty == "absent" else {"anonymousId": empty, "userId": empty})) == "missing_field"


@pytest.mark.parametrize("empty", [None, "", {}, []])
def test_a_track_needs_its_event(empty):
    assert reason(page(type="track", event=empty)) == "missing_field"
    assert reason(page(type="track")) == "missing_field"
    assert read(page(event=None))["type"] == "page"


@pytest.mark.parametrize("empty", ["absent", None, "", [], {}])
@pytest.mark.parametrize(
    ("event", "name"),
    [("Order Completed", "order_id"), ("Order Completed", "currency"), ("Order Refunded", "order_id"),
     ("Order Refunded", "currency"), ("Order Cancelled", "order_id")],
)  # fmt: skip
def test_a_commerce_track_needs_its_fields(event, name, empty):
    assert reason(with_properties(order(event), **{name: empty})) == "missing_field"


@pytest.mark.parametrize(
    ("event", "name"), [("Order Completed", "total"), ("Order Refunded", "revenue"), ("Order Cancelled", "currency")]
)
def test_what_a_commerce_track_does_not_need_may_be_absent(event, name):
    assert read(with_properties(order(event), **{name: "absent"}))["order_id"] == "o-1"


@pytest.mark.parametrize(
    "record",
    [
        *[page(**{name: wrong}) for name in ("type", "timestamp", "receivedAt", "event", "context")
          for wrong in (5, True, ["x"], *([{"a": 1}] if name != "context" else []))],
        *[page(**{name: wrong}) for name in ("messageId", "anonymousId", "userId")
          for wrong in (5.5, True, ["x"], {"a": 1})],
        *[with_context(**{name: wrong}) for name in ("page", "campaign", "userAgent", "consent") for wrong in (5,
        False, ["x"])],
        *[with_context(page={name: wrong}) for name in ("url", "referrer") for wrong in (5, False, ["x"], {"a": 1})],
        *[with_context(campaign={"source": "x", "medium": wrong}) for wrong in (5, True, ["x"], {"a": 1})],
        *[with_context(campaign={name: wrong}) for name in ("id", "name") for wrong in (5.5, True, ["x"], {"a": 1})],
        *[with_context(consent={"categoryPreferences": {"Analytics": wrong}}) for wrong in (5, "true", "yes", ["x"],
        {"a": 1})],
        with_context(consent={"categoryPreferences": "all"}),
        with_context(userAgent={"a": 1}), with_context(page="https://shop.example/"), with_context(campaign="brand"),
        *[with_context(consentManagement=wrong) for wrong in ("all", ["x"], {"allowedConsentIds": "C0002"})],
        *[with_properties(order(), **{name: wrong}) for name in ("order_id", "currency", "revenue")
          for wrong in (5.5 if name == "order_id" else True, ["x"], {"a": 1})],
    ],
    ids=lambda record: json.dumps(record)[-90:],
)  # fmt: skip
def test_a_wrong_type_in_any_field_that_is_read_is_an_invalid_type(record):
    assert reason(record) == "invalid_type"


@pytest.mark.parametrize(
    ("written", "digits"),
    [("7", "7"), ("100234", "100234"), ("12345678901234567890123", "12345678901234567890123"), ("5.0", "5"),
     ("1e3", "1000"), ("-4", "-4")],
)  # fmt: skip
def test_ids_that_are_numbers_are_read_as_their_digits(written, digits):
    text = json.dumps(with_properties(order(messageId="%", anonymousId="%", userId="%"), order_id="%"))
    row = read_record(decode_text(text.replace('"%"', written)), NOW)
    assert [row[name] for name in ("message_id", "anonymous_id", "user_id", "order_id")] == [digits] * 4


@pytest.mark.parametrize("number", ["1e400", "1e-400", "0.5", "0e-99999999"])
def test_a_number_that_is_not_whole_or_endless_is_no_id(number):
    with pytest.raises(DeadLetter, match=r"^invalid_type$"):
        read_record(decode_text(json.dumps(page(userId="%")).replace('"%"', number)), NOW)


@pytest.mark.parametrize("number", ["0", "7", "120210987654321098", "120210987654321098765432109876543210"])
def test_a_campaigns_id_may_be_a_number_and_keeps_its_digits(number):
    named = read(with_context(campaign={"id": int(number), "name": int(number)}))
    assert (named["campaign_id"], named["campaign_name"]) == (number, number)


def test_a_wrong_type_where_nothing_is_read_does_no_harm():
    record = page(properties=[1], integrations=5, context=page()["context"] | {"ip": 5, "traits": [], "locale": {}})
    assert read(record) == read(page())


def test_a_time_more_than_a_day_after_its_receipt_is_in_the_future():
    received = {"receivedAt": "2026-03-01T10:00:00Z"}
    assert read(page(timestamp="2026-03-02T10:00:00Z", **received))["occurred_at"] == datetime(2026, 3, 2, 10)
    assert reason(page(timestamp="2026-03-02T10:00:00.000001Z", **received)) == "future_timestamp"


def test_without_a_receipt_it_is_now_that_counts():
    record = without(page(), "receivedAt")
    assert read(record | {"timestamp": "2026-03-11T12:00:00Z"})["received_at"] is None
    assert reason(record | {"timestamp": "2026-03-11T12:00:00.001Z"}) == "future_timestamp"
    assert reason(record | {"timestamp": "2026-03-11T12:00:00.001Z", "receivedAt": ""}) == "future_timestamp"


def test_a_receipt_that_is_no_time_is_an_invalid_timestamp():
    assert reason(page(receivedAt="today")) == "invalid_timestamp"


@pytest.mark.parametrize(
    "wrong", ["abc", "-1", -0.01, "1,500", " ", "$5", "5 CHF", "1,50 %", "-€5", 1e15, "NaN", "€1e99999999"]
)
def test_money_that_is_none_or_negative_is_invalid(wrong):
    assert reason(with_properties(order(), revenue=wrong)) == "invalid_money"


@pytest.mark.parametrize("currency", ["XXQ", "EURO", "€", "E UR"])
def test_a_currency_that_iso_4217_does_not_know(currency):
    assert reason(with_properties(order(), currency=currency)) == "unknown_currency"


def test_money_is_read_from_numbers_and_from_text():
    row = read(with_properties(order(), revenue=1e2, tax="0.125", shipping="1e1", currency="EUR"))
    assert [row[f"{name}_minor"] for name in ("revenue", "tax", "shipping", "total")] == [10000, 12, 1000, 500]
    assert read(with_properties(order(), revenue="12.5", currency="JPY"))["revenue_minor"] == 12
    assert (
        read_record(decode_text(json.dumps(order()).replace("10.5", "900719925474.93")), NOW)["revenue_minor"]
        == 90071992547493
    )


FAULTS = {
    "missing_field": {"messageId": ""},
    "invalid_type": {},  # an order_id that is an object
    "invalid_timestamp": {"timestamp": "2026-02-30T00:00:00Z"},
    "future_timestamp": {"timestamp": "2026-03-20T00:00:00Z", "receivedAt": None},
    "invalid_money": {"revenue": "-1"},
    "unknown_currency": {"currency": "XXQ"},
}


@pytest.mark.parametrize("first", FAULTS)
@pytest.mark.parametrize("second", FAULTS)
def test_of_two_faults_the_first_in_the_contracts_order_stands(first, second):
    record = order()
    for fault in sorted((first, second), key=REASONS.index, reverse=True):
        values = FAULTS[fault] if fault != "invalid_type" else {}
        record = with_properties(record, **values) if fault in REASONS[-2:] else record | values
        record = with_properties(record, order_id={"a": 1}) if fault == "invalid_type" else record
    assert reason(record) == min(first, second, key=REASONS.index)


def test_the_reasons_stand_in_the_contracts_order():
    assert REASONS == (
        "oversized_record", "invalid_encoding", "malformed_json", "missing_field", "invalid_type", "invalid_timestamp",
        "future_timestamp", "invalid_money", "unknown_currency",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["page", "screen", "track", "identify", "alias", "pageview"])
def test_other_types_are_loaded_and_mean_nothing_yet(kind):
    row = read(page(type=kind, event="Signed Up"))
    assert row["type"] == (kind if kind in ("page", "screen", "track", "identify") else "other")
    assert row["event"] == ("Signed Up" if kind == "track" else None)


@pytest.mark.parametrize("kind", ["Track", "TRACK", " track "])
def test_a_type_ignores_case_and_blanks(kind):
    assert read(order(type=kind)) == read(order())
    assert read(page(type=kind, event="Signed Up"))["event"] == "Signed Up"
    assert reason(page(type=kind, event="")) == "missing_field"


@pytest.mark.parametrize("kind", ["page", "screen"])
def test_a_page_that_a_server_sends_says_where_it_was_in_its_properties(kind):
    url, referrer = "https://shop.example/?utm_source=google", "https://news.example/"
    sent = page(type=kind, context={}, properties={"url": url, "referrer": referrer})
    assert (read(sent)["page_url"], read(sent)["page_referrer"]) == (url, referrer)
    known = read(sent | {"context": {"page": {"url": "https://shop.example/a"}}})
    assert (known["page_url"], known["page_referrer"]) == ("https://shop.example/a", None)
    assert read(sent | {"type": "track", "event": "Signed Up"})["page_url"] is None
    assert read(sent | {"properties": {"url": ["x"]}})["page_url"] is None


@pytest.mark.parametrize("event", ["Order Completed", "Order Refunded", "Order Cancelled"])
@pytest.mark.parametrize("kind", ["page", "screen", "identify", "alias"])
def test_only_a_track_is_commerce(kind, event):
    for row in (read(order(event, type=kind)), read(order(event, type=kind, properties={"revenue": "much"}))):
        assert (row["event"], row.get("order_id"), row.get("revenue_minor")) == (None, None, None)


def test_a_record_gives_the_columns_that_the_boundary_may_look_at():
    assert set(read(page())) | set(read(order())) | {"record_offset"} == set(PLAIN.names())


def test_a_dead_letter_quotes_no_value():
    for record in (
        page(timestamp="jane@example.com"),
        order(event="Order Completed") | {"properties": {"order_id": {"jane": 1}}},
    ):
        with pytest.raises(DeadLetter) as caught:
            read(record)
        assert "jane" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("nobody", ["null", "undefined", "None", " NULL ", "(null)", "0", 0, str(UUID(int=0))])
def test_a_word_for_nobody_is_no_person_so_that_strangers_are_not_one(nobody):
    row = read_record(decode_text(json.dumps(page(userId=nobody, anonymousId="a-1"))), NOW)
    assert (row["user_id"], row["anonymous_id"]) == (None, "a-1")
    with pytest.raises(DeadLetter) as caught:
        read_record(decode_text(json.dumps(page(userId=nobody, anonymousId="undefined"))), NOW)
    assert (caught.value.reason, caught.value.field) == ("missing_field", "anonymousId")
    paid = read_record(decode_text(json.dumps(order(userId=nobody, anonymousId=nobody))), NOW)
    assert (paid["user_id"], paid["anonymous_id"]) == (None, None)


@pytest.mark.parametrize("none", ["undefined", "null", "0", 0])
def test_a_word_for_no_message_id_makes_no_copies_of_each_other(none):
    with pytest.raises(DeadLetter) as caught:
        read_record(decode_text(json.dumps(page(messageId=none))), NOW)
    assert (caught.value.reason, caught.value.field) == ("missing_field", "messageId")
    assert read_record(decode_text(json.dumps(order(messageId=none))), NOW)["order_id"]  # known by its number
