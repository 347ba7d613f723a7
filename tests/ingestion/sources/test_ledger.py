"""Rows of the ledger: what each gives, and why one is refused."""

from datetime import datetime

import pytest

from privacy.pseudonyms import pseudonym
from tests.ingestion.sources.tables import CONTEXT, ledger, reasons, refusals

ROW = {
    "order_id": "o-1", "ordered_at": "2026-03-01T10:00:00Z", "status": "completed", "revenue": "10.50", "refunded": "0",
    "cogs": "", "currency": "EUR", "updated_at": "2026-03-02T10:00:00Z",
}  # fmt: skip


def line(**changes):
    return ",".join(f'"{value}"' for value in (ROW | changes).values())


def test_an_order_of_the_ledger(tmp_path):
    found = ledger(tmp_path, line(status="Partially_Refunded", refunded="1.005", cogs="4"), line(order_id="o-2"))
    assert found.rows.to_dicts()[0] == {
        "line": 2, "order_id": "o-1", "ordered_at": datetime(2026, 3, 1, 10), "status": "partially_refunded",
        "revenue_minor": 1050, "refunded_minor": 100, "cogs_minor": 400, "currency": "EUR",
        "updated_at": datetime(2026, 3, 2, 10), "item_hash": None, "posting": None, "paid_minor": None,
    }  # fmt: skip
    assert found.rows["cogs_minor"].to_list() == [400, None]


@pytest.mark.parametrize(
    ("changes", "reason", "column"),
    [
        *[({name: ""}, "missing_field", name) for name in ("order_id", "ordered_at", "status", "revenue", "currency",
        "updated_at")],
        ({"status": "shipped"}, "unknown_status", "status"),
        *[({"ordered_at": wrong}, "invalid_timestamp", "ordered_at") for wrong in ("x", "2026-02-30T00:00:00Z",
        "01.03.2026", "3/2/2026 10:00", "0001-01-01T00:00:00+05:00")],
        ({"updated_at": "x"}, "invalid_timestamp", "updated_at"),
        ({"revenue": "-"}, "missing_field", "revenue"), ({"revenue": "x"}, "invalid_money", "revenue"),
        ({"revenue": "1,234"}, "ambiguous_number", "revenue"),
        ({"currency": "XXQ"}, "unknown_currency", "currency"),
        ({"status": "x", "ordered_at": "x"}, "unknown_status", "status"),
        ({"revenue": "x", "updated_at": "x"}, "invalid_timestamp", "updated_at"),
    ],
    ids=str,
)  # fmt: skip
def test_a_refused_row_says_its_line_reason_and_column(tmp_path, changes, reason, column):
    assert refusals(ledger(tmp_path, line(), line(**changes))) == [(3, reason, column)]


@pytest.mark.parametrize("word", ["NULL", r"\N", "nan", "None", "N/A", "NA", "-", "--", "x", "1,500"])
def test_an_absent_or_odd_optional_amount_costs_no_order(tmp_path, word):
    (row,) = ledger(tmp_path, line(refunded=word, cogs=word)).rows.to_dicts()
    assert (row["revenue_minor"], row["refunded_minor"], row["cogs_minor"]) == (1050, 0, None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10)), ("2026-03-01t10:00:00z", datetime(2026, 3, 1, 10)),
        ("2026-03-01 10:00:00+02:00", datetime(2026, 3, 1, 8)), ("2026-03-01 10:00:00", datetime(2026, 3, 1, 9)),
        ("2026-07-01T10:00:00.5", datetime(2026, 7, 1, 8, 0, 0, 500000)), ("2026-03-01", datetime(2026, 2, 28, 23)),
        ("2026-03-01 10:00:00 +0100", datetime(2026, 3, 1, 9)), ("2026-03-01 10:00:00 UTC", datetime(2026, 3, 1, 10)),
        ("2026-03-01T10:00:00.000+0000", datetime(2026, 3, 1, 10)), ("2026-03-01 10:00", datetime(2026, 3, 1, 9)),
        ("Mar 1, 2026 10:00:00 AM", datetime(2026, 3, 1, 9)), ("2026/03/01 1:30 PM", datetime(2026, 3, 1, 12, 30)),
        ("2026-03-01 10:00:00 PST", datetime(2026, 3, 1, 18)), ("2026-07-01 10:00 CEST", datetime(2026, 7, 1, 8)),
        ("2026-07-01 10:00:00 America/New_York", datetime(2026, 7, 1, 14)),
    ],
)  # fmt: skip
def test_moments_without_an_offset_are_the_regions_time(tmp_path, text, moment):
    assert ledger(tmp_path, line(ordered_at=text, updated_at=text)).rows["ordered_at"].to_list() == [moment]


@pytest.mark.parametrize("zone", ["IST", "CST", "Europe/Atlantis", "XYZ"])
def test_a_moment_in_a_zone_that_is_none_or_several_is_refused(tmp_path, zone):
    assert reasons(ledger(tmp_path, line(ordered_at=f"2026-03-01 10:00:00 {zone}"))) == ["invalid_timestamp"]


@pytest.mark.parametrize(("revenue", "refunded"), [("12.50", 125), ("12", None)])
def test_an_amount_of_thousands_or_decimals_is_told_by_the_files_other_amounts(tmp_path, revenue, refunded):
    found = ledger(tmp_path, line(revenue=revenue, refunded="1.250"))
    assert (found.rows["refunded_minor"].to_list(), found.table.odd) == (
        ([refunded], {}) if refunded else ([0], {"refunded": 1})
    )


def test_a_configured_format_reads_its_dates_and_no_others(tmp_path):
    rows = [line(ordered_at="02.03.2026 10:00", updated_at="2026-03-02"), line(ordered_at="3/2/2026")]
    found = ledger(tmp_path, *rows, date_format="%d.%m.%Y")
    assert found.rows["ordered_at"].to_list() == [datetime(2026, 3, 2, 9)]
    assert reasons(found) == ["invalid_timestamp"]


def test_an_order_past_the_ledgers_retention_is_expired(tmp_path):
    found = ledger(tmp_path, line(ordered_at="2016-03-10T12:00:00Z"), line())
    assert (found.expired, len(found.rows)) == (1, 1)


def test_an_order_number_shaped_like_an_e_mail_address_is_that_of_the_events(tmp_path):
    found = ledger(tmp_path, line(order_id="jane@example.com"))
    assert found.rows["order_id"].to_list() == [pseudonym(CONTEXT.key, "order", "jane@example.com")]


def test_an_order_number_that_came_through_a_float_is_its_digits_or_refused(tmp_path):
    found = ledger(tmp_path, line(order_id="1001.0"), line(order_id="12345678901234567.0"))
    assert found.rows["order_id"].to_list() == ["1001"]
    assert reasons(found) == ["imprecise_id"]


def test_words_of_status_may_be_configured(tmp_path):
    found = ledger(tmp_path, line(status="Versendet"), status={"versendet": "completed"})
    assert found.rows["status"].to_list() == ["completed"]


def test_refunded_without_an_amount_means_all_of_it(tmp_path):
    rows = [
        line(order_id=f"o-{number}", status="refunded", refunded=text) for number, text in enumerate(("", "0", "4"))
    ]
    assert ledger(tmp_path, *rows).rows["refunded_minor"].to_list() == [1050, 1050, 400]
    head = "order_id,ordered_at,status,revenue,currency,updated_at"
    (row,) = ledger(tmp_path, "1,2026-03-01,refunded,10.50,EUR,2026-03-01", head=head).rows.to_dicts()
    assert row["refunded_minor"] == 1050


def test_a_refund_is_the_same_with_a_minus_before_it(tmp_path):
    rows = [line(order_id=f"o-{text}", status="partially_refunded", refunded=text) for text in ("4", "-4", "(4.00)")]
    assert ledger(tmp_path, *rows).rows["refunded_minor"].to_list() == [400] * 3
    assert ledger(tmp_path, line(cogs="-1")).rows["cogs_minor"].to_list() == [None]


def test_a_partial_refund_without_an_amount_is_refused_where_the_file_has_a_column_for_it(tmp_path):
    found = ledger(tmp_path, line(status="partially_refunded", refunded=""))
    assert refusals(found) == [(2, "missing_field", "refunded")]


def test_of_a_refund_with_tax_and_shipping_the_goods_part_counts_rounded_half_even(tmp_path):
    head = "order_id,ordered_at,status,revenue,total,refunded_total,currency,updated_at"
    amounts = ("100.00,119.00,59.50", "0.01,0.02,0.01", "0.03,0.02,0.01", "5,0,1", "5,6,")
    rows = [f"{number},2026-03-01,completed,{money},EUR,2026-03-01" for number, money in enumerate(amounts)]
    assert ledger(tmp_path, *rows, head=head).rows["refunded_minor"].to_list() == [5000, 0, 2, 0, 0]


def test_a_negative_revenue_is_a_credit_note(tmp_path):
    found = ledger(tmp_path, line(), line(revenue="-3.00", status="refunded", updated_at="2026-03-05T10:00:00Z"))
    assert found.rows.select("revenue_minor", "refunded_minor").rows() == [(1050, 0), (-300, 0)]


@pytest.mark.parametrize(
    ("kind", "revenue", "refunded", "is_refused"),
    [
        ("Credit note", "40", "", True), ("refund", "40", "0", True), ("Gutschrift", "40", "", True),
        ("credit_memo", "-40", "", False), ("refund", "100", "40", False), ("order", "40", "", False),
    ],
)  # fmt: skip
def test_a_row_that_is_called_a_credit_note_does_not_take_its_orders_place(
    tmp_path, kind, revenue, refunded, is_refused
):
    head = "order_id,type,ordered_at,status,revenue,refunded,currency,updated_at"
    rows = ["1,order,2026-03-01,completed,100,0,EUR,2026-03-01",
            f"1,{kind},2026-03-05,completed,{revenue},{refunded},EUR,2026-03-05"]  # fmt: skip
    assert refusals(ledger(tmp_path, *rows, head=head)) == ([(3, "unsigned_credit", "type")] if is_refused else [])
    as_status = ledger(
        tmp_path, rows[1], head=head.replace(",status", ",x"), columns={"status": "type"}, status={kind: "completed"}
    )
    assert refusals(as_status) == []


def test_rows_of_one_order_and_update_with_different_money_are_refused_together(tmp_path):
    found = ledger(tmp_path, line(), line(revenue="10.60"), line(order_id="o-2"), line(order_id="o-2"))
    assert refusals(found) == [(2, "ambiguous_rows", "revenue"), (3, "ambiguous_rows", "revenue")]
    assert found.rows["order_id"].to_list() == ["o-2", "o-2"]
    later = ledger(tmp_path, line(), line(revenue="10.60", updated_at="2026-03-03T10:00:00Z"))
    assert later.refused.is_empty()


@pytest.mark.parametrize(
    ("second", "is_refused"),
    [
        ({"order_id": "#O-1", "revenue": "10.60"}, True),  # the same order, as it is compared
        ({"status": "refunded", "refunded": ""}, True),  # all of it is given back
        ({"status": "cancelled"}, True),
        ({"status": "partially_refunded"}, False),
        ({"order_id": "#O-1"}, False),
    ],
)
def test_what_the_number_or_the_status_alone_makes_of_an_order_is_different_money_too(tmp_path, second, is_refused):
    found = ledger(tmp_path, line(order_id="o-1", refunded="0"), line(**{"order_id": "o-1", "refunded": "0"} | second))
    assert reasons(found) == (["ambiguous_rows"] * 2 if is_refused else [])


@pytest.mark.parametrize("name", ["line_item_id", "SKU", "Lineitem name"])
def test_items_are_told_apart_and_equal_rows_count_once(tmp_path, name):
    head = f"order_id,ordered_at,status,revenue,currency,updated_at,{name}"
    items = [f"1,2026-03-01,completed,{money},EUR,2026-03-01,{item}" for money, item in ((6, "a"), (4, "b"), (4, "b"))]
    found = ledger(tmp_path, *items, head=head)
    assert found.rows["revenue_minor"].to_list() == [600, 400]
    assert found.rows["item_hash"].n_unique() == 2
    assert found.duplicates == 1


def test_items_of_one_order_in_two_currencies_are_refused(tmp_path):
    head = "order_id,ordered_at,status,revenue,currency,updated_at,sku"
    found = ledger(
        tmp_path, "1,2026-03-01,completed,6,EUR,2026-03-01,a", "1,2026-03-01,completed,4,USD,2026-03-01,b", head=head
    )
    assert reasons(found) == ["ambiguous_rows", "ambiguous_rows"]


def test_refunds_above_their_orders_revenue_are_counted_as_capped(tmp_path):
    found = ledger(tmp_path, line(refunded="12"), line(order_id="o-2", refunded="10.50"))
    assert found.capped == {"refunded": 1}


def test_a_dated_row_that_sums_up_others_is_no_order(tmp_path):
    found = ledger(tmp_path, line(order_id="SUM-1001"), line(order_id="Total"), line(order_id="Summe:"))
    assert (found.rows["order_id"].to_list(), found.table.totals) == (["sum-1001"], 2)


@pytest.mark.parametrize(
    ("word", "status", "refunded"),
    [("Voided", "refunded", 1050), ("charge back", "refunded", 1050), ("Chargeback", "refunded", 1050),
     ("canceled", "cancelled", 0), ("partially-refunded", "partially_refunded", 0), ("COMPLETE", "completed", 0)],
)  # fmt: skip
def test_a_plain_ledger_knows_the_usual_words_for_a_status(tmp_path, word, status, refunded):
    (row,) = ledger(tmp_path, line(status=word)).rows.to_dicts()
    assert (row["status"], row["refunded_minor"]) == (status, refunded)


@pytest.mark.parametrize("text", ["1772359200", "1772359200000", "1772359200000000", "Sun, 01 Mar 2026 10:00:00 GMT"])
def test_a_moment_may_be_counted_since_1970_or_written_as_in_mail(tmp_path, text):
    assert ledger(tmp_path, line(ordered_at=text)).rows["ordered_at"].to_list() == [datetime(2026, 3, 1, 10)]


def test_an_order_of_a_day_after_tomorrow_is_noted(tmp_path):
    found = ledger(tmp_path, line(), line(order_id="o-2", ordered_at="2027-03-01T10:00:00Z"))
    assert (len(found.rows), found.ahead) == (2, {"ordered_at": 1})


ITEMS = "order_id,sku,ordered_at,status,revenue,refunded,currency,updated_at"


@pytest.mark.parametrize(
    ("rows", "revenue", "refunded"),
    [
        (("60,0", "40,0"), 100, 0),
        (("100,0", ","), 100, 0),  # on the first row only
        (("60,30", "40,"), 100, 30),
        (("60,60", "40,60"), 100, 60),  # of the order, on each row: more than the second item is worth
        (("60,30", "40,30"), 100, 60),  # of each item
    ],
)
def test_what_is_said_of_the_order_counts_once(tmp_path, rows, revenue, refunded):
    lines = [f"o-1,{sku},2026-03-01,completed,{money},EUR,2026-03-02" for sku, money in zip("AB", rows, strict=True)]
    found = ledger(tmp_path, *lines, head=ITEMS)
    assert (refusals(found), len(found.rows)) == ([], 2)
    assert (found.rows["revenue_minor"].sum(), found.rows["refunded_minor"].sum()) == (100 * revenue, 100 * refunded)


@pytest.mark.parametrize(
    ("rows", "sums"),
    [
        (("1,60,100,30,50", "1,40,100,30,50"), (100, 30, 50)),  # of the order, on each row, though prices differ
        (("1,60,60,0,30", "1,40,40,0,20"), (100, 0, 50)),  # of each item
        (("1,50,50,5,20", "1,50,50,5,20"), (100, 10, 40)),  # of each item, which are alike
        (("1,50,50,5,20", "2,25,50,5,20"), (100, 10, 40)),  # or worth the same
        (("1,60,60,0,70", "1,40,40,0,70"), (100, 0, 70)),  # more than one is worth
        (("1,50,100,5,20", "1,50,100,5,20"), (100, 5, 20)),  # more than either is worth, which are alike
        (("1,50,60,5,20", "1,50,60,5,20"), (120, 10, 40)),  # no more than what its tax explains
        ((",50,100,5,20", ",50,100,5,20"), (200, 10, 40)),  # of nobody knows how many pieces
    ],
)
def test_amounts_of_the_order_that_stand_on_each_item_count_once(tmp_path, rows, sums):
    lines = [f"o-1,{sku},2026-03-01,completed,{money},EUR,2026-03-02" for sku, money in zip("AB", rows, strict=True)]
    found = ledger(
        tmp_path, *lines, head="order_id,sku,ordered_at,status,quantity,price,revenue,refunded,cogs,currency,updated_at"
    )
    told = [found.rows[f"{name}_minor"].sum() for name in ("revenue", "refunded", "cogs")]
    assert told == [100 * one for one in sums]


def test_an_item_takes_from_its_orders_first_row_what_it_does_not_say(tmp_path):
    lines = ["o-1,A,2026-03-01,partially_refunded,60,30,EUR,2026-03-02", "o-1,B,,,40,,,", "o-2,A,,completed,5,,EUR,"]
    found = ledger(tmp_path, *lines, head=ITEMS)
    assert refusals(found) == [(4, "missing_field", "ordered_at")]
    assert found.rows["status"].to_list() == ["partially_refunded"] * 2
    assert found.rows["refunded_minor"].to_list() == [3000, 0]


def test_what_was_given_back_with_tax_is_refused_where_no_total_tells_the_goods_part(tmp_path):
    head = "order_id,ordered_at,status,revenue,refunded_total,total,currency,updated_at"
    row = "{},2026-03-01,{},100,{},{},EUR,2026-03-02"
    rows = [("o-1", "completed", "59.50", ""), ("o-2", "refunded", "59.50", ""), ("o-3", "completed", "0", ""),
            ("o-4", "completed", "59.50", "119")]  # fmt: skip
    found = ledger(tmp_path, *[row.format(*one) for one in rows], head=head)
    assert refusals(found) == [(2, "missing_field", "total")]
    assert found.rows["refunded_minor"].to_list() == [10000, 0, 5000]
