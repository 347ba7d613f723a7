"""A commerce track is kept wherever its money can be told, and nothing of it is read wrong."""

import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.orders import is_lookalike
from ingestion.reading import DEFAULTS, Reading
from ingestion.records import DeadLetter, decode_text, read_record
from tests.ingestion.strategies import NOW, order, page

GB = Reading(currency="GBP")


def read(properties, event="Order Completed", reading=DEFAULTS, **values):
    noted = []
    record = order(event, properties={"order_id": "o-1"} | properties, **values)
    row = read_record(decode_text(json.dumps(record, default=str)), NOW, reading=reading, note=noted.append)
    return row, noted


def cents(properties, event="Order Completed", **values):
    row, _ = read({"currency": "EUR"} | properties, event, **values)
    return row.get("revenue_minor"), row.get("total_minor")


def fault(properties, event="Order Completed", **values):
    with pytest.raises(DeadLetter) as caught:
        read(properties, event, **values)
    return caught.value.reason, caught.value.field


@pytest.mark.parametrize(
    ("spelled", "event"),
    [
        ("order_completed", "Order Completed"), ("OrderCompleted", "Order Completed"),
        ("ORDER COMPLETED", "Order Completed"), (" order-completed ", "Order Completed"),
        ("order refunded", "Order Refunded"), ("order_cancelled", "Order Cancelled"),
        ("Order Canceled", "Order Cancelled"),
    ],
)  # fmt: skip
def test_a_commerce_track_is_one_however_its_name_is_spelled(spelled, event):
    row, _ = read({"revenue": 10, "currency": "EUR"}, spelled)
    assert (row["event"], row["order_id"], row["revenue_minor"]) == (event, "o-1", 1000)


@pytest.mark.parametrize("name", ["orderId", "orderID", "transaction_id", "transactionId"])
def test_an_order_is_known_by_its_number_whatever_the_property_is_called(name):
    track = order(properties={name: 100234, "order_id": "", "revenue": 10, "currency": "EUR"})
    assert read_record(decode_text(json.dumps(track)), NOW)["order_id"] == "100234"
    both = order(properties={name: "t-9", "order_id": "o-1", "revenue": 10, "currency": "EUR"})
    assert read_record(decode_text(json.dumps(both)), NOW)["order_id"] == "o-1"
    wrong = order(properties={name: ["t-9"], "revenue": 10, "currency": "EUR"})
    with pytest.raises(DeadLetter) as caught:
        read_record(decode_text(json.dumps(wrong)), NOW)
    assert (caught.value.reason, caught.value.field) == ("invalid_type", f"properties.{name}")


@pytest.mark.parametrize("other", ["Order Completed Twice", "Reorder Completed", "Order", "Order Updated", "Completed"])
def test_a_track_whose_name_only_resembles_a_commerce_tracks_is_none(other):
    row, _ = read({"revenue": 10, "currency": "EUR"}, other)
    assert (row["event"], row.get("order_id")) == (other, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("49,99", 4999), ("1.249,99", 124999), ("1,249.99", 124999), ("€49.99", 4999), ("49,99 €", 4999),
        ("EUR 49.99", 4999), ("1\u00a0249,00\u00a0€", 124900), ("1.249.000", 124900000), ("12,5", 1250),
    ],
)  # fmt: skip
def test_money_that_people_have_written_is_read_where_it_can_be_read_one_way_only(text, expected):
    assert cents({"revenue": text})[0] == expected
    assert cents({"products": [{"price": text, "quantity": "2"}]})[0] == 2 * expected
    assert cents({"total": text, "tax": "9,99"})[0] == expected - 999
    assert cents({"total": text}, "Order Refunded")[1] == expected


@pytest.mark.parametrize("name", ["currencyCode", "currency_code"])
def test_a_currency_is_not_taken_for_the_regions_own_because_its_property_is_called_otherwise(name):
    assert read({"revenue": 5, name: "usd"}, reading=GB)[0]["currency"] == "USD"
    assert fault({"revenue": 5, name: "XXQ"}) == ("unknown_currency", f"properties.{name}")


@pytest.mark.parametrize("name", ["refund_amount", "refundAmount", "amount_refunded", "amount"])
def test_a_refund_of_a_part_is_not_taken_for_the_whole_because_its_property_is_called_otherwise(name):
    assert cents({name: "5.00"}, "Order Refunded") == (None, 500)
    assert fault({name: "five", "currency": "EUR"}, "Order Refunded") == ("invalid_money", f"properties.{name}")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(name, True) for name in ("Purchase", "purchase", "Completed Order", "order_complete", "Order Placed",
                                    "OrderPaid", "Refund", "Partial Refund", "Checkout Completed", "transaction")],
        *[(name, False) for name in ("Order Completed", "order_refunded", "Order Updated", "Checkout Started",
                                     "Product Purchased Again", "Reorder", "Order Form Viewed", "")],
    ],
)  # fmt: skip
def test_a_track_that_may_be_meant_as_an_order_is_told_from_one_that_is(name, expected):
    assert is_lookalike(name) is expected


PRODUCTS = [{"price": "19.00", "quantity": 1}, {"price": 3, "quantity": "2"}, {"price": "0.005"}]


@pytest.mark.parametrize("name", ["total", "revenue", "amount"])
@pytest.mark.parametrize("value", [-4.5, "-4.50", " -4.50", "-€4.50", "-4,50", 4.5])
def test_what_was_given_back_may_be_written_with_a_minus(name, value):
    assert set(cents({name: value}, "Order Refunded")) == {450, None}


def test_a_minus_before_a_minus_or_an_order_is_no_amount():
    expected = ("invalid_money", "properties.revenue")
    assert fault({"currency": "EUR", "revenue": "--4.50"}, "Order Refunded") == expected
    assert fault({"currency": "EUR", "revenue": "-4.50"}) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"revenue": 10, "subtotal": 11, "total": 20, "value": 12}, 1000),
        ({"revenue": "", "subtotal": "11.00", "total": 20, "value": 12}, 1100),
        ({"total": "27.50", "tax": "2.00", "shipping": 3, "value": 12}, 2250),
        ({"total": "27.50", "tax": None}, 2750),
        ({"value": "12.345", "products": PRODUCTS}, 1234),
        ({"products": PRODUCTS}, 2500),  # 25.005, half-even once
        ({"products": PRODUCTS[:2]}, 2500),
        ({"total": "0.30", "tax": "0.10", "shipping": "0.20"}, 0),
    ],
)
def test_an_order_is_worth_the_first_amount_that_tells_it(properties, expected):
    assert cents(properties)[0] == expected


def test_a_refund_is_first_a_total_with_tax_else_what_its_goods_are_worth_else_the_rest_of_its_order():
    assert cents({"total": "5.00", "value": 4}, "Order Refunded") == (None, 500)
    assert cents({"value": 4, "revenue": "3.00"}, "Order Refunded") == (300, None)
    assert cents({"products": PRODUCTS[:2]}, "Order Refunded") == (2500, None)
    row, _ = read({}, "Order Refunded")
    assert {"revenue_minor", "total_minor", "currency"}.isdisjoint(row)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"currency": "EUR"}, ("missing_field", "properties.revenue")),
        ({"currency": "EUR", "products": [{"quantity": 2}]}, ("missing_field", "properties.products.price")),
        ({"revenue": 5}, ("missing_field", "properties.currency")),
        ({"revenue": True, "currency": "EUR"}, ("invalid_type", "properties.revenue")),
        ({"products": "x", "currency": "EUR"}, ("invalid_type", "properties.products")),
        ({"products": [{"price": [1]}], "currency": "EUR"}, ("invalid_type", "properties.products.price")),
        ({"revenue": "ten", "subtotal": 9, "currency": "EUR"}, ("invalid_money", "properties.revenue")),
        ({"total": 5, "tax": 6, "currency": "EUR"}, ("invalid_money", "properties.total")),
        ({"total": 5, "tax": "six", "currency": "EUR"}, ("invalid_money", "properties.tax")),
        ({"products": [{"price": "1e-99999999"}], "currency": "EUR"}, ("invalid_money", "properties.products.price")),
        ({"products": [{"price": 1e11, "quantity": 1e11}], "currency": "EUR"},
         ("invalid_money", "properties.products")),
        ({"revenue": 5, "currency": "XXQ"}, ("unknown_currency", "properties.currency")),
    ],
)  # fmt: skip
def test_an_order_whose_money_cannot_be_told_names_the_field(properties, reason):
    assert fault(properties) == reason


@pytest.mark.parametrize("currency", ["eur", " EUR", "Eur "])
def test_a_currency_ignores_case_and_blanks(currency):
    assert read({"revenue": 5, "currency": currency})[0]["currency"] == "EUR"


def test_an_order_that_names_no_currency_takes_its_regions():
    assert read({"revenue": 5}, reading=GB)[0]["currency"] == "GBP"
    assert read({"revenue": 5, "currency": "eur"}, reading=GB)[0]["currency"] == "EUR"


@pytest.mark.parametrize("name", ["tax", "shipping", "total"])
@pytest.mark.parametrize("odd", ["n/a", "-1", True, ["x"]])
def test_an_amount_that_is_not_needed_costs_no_order(name, odd):
    row, noted = read({"revenue": 5, "currency": "EUR", name: odd})
    assert row["revenue_minor"] == 500
    assert f"{name}_minor" not in row
    assert noted == [f"properties.{name}"]


def test_a_discount_is_not_read():
    assert read({"revenue": 5, "currency": "EUR", "discount": "10%"}) == read({"revenue": 5, "currency": "EUR"})


@pytest.mark.parametrize(
    ("values", "field"),
    [({"context": 5}, "context"), ({"anonymousId": {"a": 1}}, "anonymousId"), ({"receivedAt": "today"}, "receivedAt"),
     ({"context": {"page": "x"}}, "context.page"), ({"context": {"userAgent": 5}}, "context.userAgent"),
     ({"context": {"consent": {"categoryPreferences": {"Analytics": "maybe"}}}},
      "context.consent.categoryPreferences.Analytics")],
)  # fmt: skip
def test_no_other_field_costs_an_order_and_each_is_noted(values, field):
    row, noted = read({"revenue": 5, "currency": "EUR"}, **values)
    assert row["revenue_minor"] == 500
    assert noted == [field]


def test_a_statement_of_consent_that_cannot_be_read_is_no():
    for context in (5, {"consent": 5}, {"consent": {"categoryPreferences": {"Analytics": 5}}}):
        assert read({"revenue": 5, "currency": "EUR"}, context=context)[0]["analytics_consent"] is False


def test_an_order_needs_no_person():
    row, _ = read({"revenue": 5, "currency": "EUR"}, anonymousId=None, userId=None)
    assert (row["anonymous_id"], row["user_id"], row["revenue_minor"]) == (None, None, 500)


def test_an_order_dated_after_tomorrow_takes_its_receipt():
    received = {"timestamp": "2027-03-01T10:00:00Z", "receivedAt": "2026-03-01T10:00:00Z"}
    row, noted = read({"revenue": 5, "currency": "EUR"}, **received)
    assert row["occurred_at"] == datetime(2026, 3, 1, 10)
    assert noted == ["timestamp"]
    for unknown in ({"receivedAt": None}, {"receivedAt": "2027-02-01T10:00:00Z"}):
        assert fault({"revenue": 5, "currency": "EUR"}, **received | unknown)[0] == "future_timestamp"
    with pytest.raises(DeadLetter, match="future_timestamp"):
        read_record(decode_text(json.dumps(page(**received))), NOW)


AMOUNTS = st.decimals(0, 10**6, places=4)


@given(st.lists(st.tuples(AMOUNTS, st.integers(0, 50)), min_size=1, max_size=20))
def test_products_add_up_exactly(lines):
    products = [{"price": str(price), "quantity": pieces} for price, pieces in lines]
    exact = sum(price * pieces for price, pieces in lines) * 100
    assert abs(cents({"products": products})[0] - exact) <= Decimal("0.5")


@pytest.mark.parametrize("none", ["undefined", "null", "None", "NaN", " null", "(not set)", "0", 0, 0.0])
def test_a_word_for_no_number_is_none_so_that_orders_without_one_are_not_one(none):
    def track(**properties):
        return decode_text(json.dumps(order(properties=properties | {"revenue": 10, "currency": "EUR"})))

    with pytest.raises(DeadLetter) as caught:
        read_record(track(order_id=none), NOW)
    assert (caught.value.reason, caught.value.field) == ("missing_field", "properties.order_id")
    assert read_record(track(order_id=none, transaction_id="t-9"), NOW)["order_id"] == "t-9"
