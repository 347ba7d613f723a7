"""Rows of spend, ledger and reference rates: what each gives, and why one is a dead letter."""

import re
from datetime import date, datetime

import pytest

from ingestion.records import DeadLetter
from ingestion.tables import Context, UnreadableTableError, read_order, read_rates, read_rows, read_spend
from privacy.keys import Key
from privacy.pseudonyms import pseudonym
from tests.ingestion.strategies import NOW

CONTEXT = Context(Key("eu", "pseudonym", bytes(32)), "Europe/Berlin", 3650, NOW)
SPEND = {"date": "2026-03-01", "campaign_id": "c-1", "campaign_name": "Brand", "impressions": "100", "clicks": "7",
    "spend": "12.345",
         "currency": "EUR"}  # fmt: skip
ORDER = {"order_id": "o-1", "ordered_at": "2026-03-01T10:00:00Z", "status": "completed", "revenue": "10.50",
    "refunded": "0", "cogs": "",
         "currency": "EUR", "updated_at": "2026-03-02T10:00:00Z"}  # fmt: skip


@pytest.fixture
def rows(tmp_path):
    def read(content: str | bytes, kind: str = "ledger"):
        path = tmp_path / "a.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_rows(path, kind))

    return read


HEAD = ",".join(ORDER)


def test_rows_come_by_column_with_their_lines(rows):
    found = rows(f"\ufeff {HEAD} \r\n" + ",".join(ORDER.values()) + "\r\n")
    assert found == [(2, ORDER)]


def test_blank_rows_are_no_rows(rows):
    line = ",".join(ORDER.values())
    assert [n for n, _ in rows(f"{HEAD}\n\n{line}\n  \n,,,\n{line}")] == [3, 6]


def test_a_quoted_line_end_belongs_to_its_row(rows):
    line = ",".join(ORDER.values()).replace("o-1", '"o,\n""1"""')
    assert [(n, row["order_id"]) for n, row in rows(f"{HEAD}\n{line}\n{line}")] == [(3, 'o,\n"1"'), (5, 'o,\n"1"')]


@pytest.mark.parametrize(
    ("kind", "head", "missing"),
    [
        ("ledger", "order_id,ordered_at,revenue", "status, currency, updated_at"),
        ("spend", "date,clicks", "campaign_id or campaign_name, cost_micros or spend, currency"),
        ("fx", "Datum,USD", "Date"),
        ("spend", "", "date, campaign_id or campaign_name, cost_micros or spend, currency"),
    ],
)
def test_a_file_without_a_column_that_it_needs_is_unreadable_and_says_which(rows, kind, head, missing):
    with pytest.raises(UnreadableTableError, match=f"^columns missing: {missing}$"):
        rows(head, kind)


def test_a_file_that_is_no_csv_is_unreadable_and_quotes_nothing(rows):
    with pytest.raises(UnreadableTableError, match="no CSV at line 2") as caught:
        rows(f"{HEAD}\n" + "jane" * 100_000)
    assert "jane" not in str(caught.value)


def test_google_ads_own_columns_are_read_as_they_are(rows):
    head = "segments.date,customer.currency_code,campaign.id,campaign.name"
    head += ",metrics.impressions,metrics.clicks,metrics.cost_micros"
    ((_, row),) = rows(f"{head}\n2026-03-01,EUR,21047586932,Brand,100,7,12345678", "spend")
    assert read_spend(row, CONTEXT) == {
        "spend_on": date(2026, 3, 1), "campaign_id": "21047586932", "campaign_name": "Brand", "channel": None,
        "impressions": 100, "clicks": 7, "spend_minor": 1235, "currency": "EUR"}  # fmt: skip


def test_metas_own_columns_are_read_as_they_are(rows):
    head = "date_start,date_stop,account_currency,campaign_id,campaign_name,impressions,clicks,spend"
    ((_, row),) = rows(f"{head}\n2026-03-01,2026-03-01,USD,120210987654321098,Brand,100,7,12.345", "spend")
    read = read_spend(row, CONTEXT)
    assert (read["spend_on"], read["campaign_id"], read["spend_minor"]) == (
        date(2026, 3, 1),
        "120210987654321098",
        1234,
    )


def test_micros_of_a_currency_with_small_units_may_be_many():
    row = {name: value for name, value in SPEND.items() if name != "spend"} | {
        "cost_micros": "5000000000000000",
        "currency": "VND",
    }
    assert read_spend(row, CONTEXT)["spend_minor"] == 5_000_000_000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        *[({name: ""}, "missing_field") for name in ("date", "spend", "currency")],
        ({"campaign_id": "", "campaign_name": ""}, "missing_field"),
        *[({"clicks": wrong}, "invalid_type") for wrong in ("x", "-1", "1.5", "NaN", "inf", "1e400000", "1e16")],
        *[({"date": wrong}, "invalid_timestamp") for wrong in ("2026-02-30", "01.03.2026", "20260301", "2026-W10-1",
        "2026-03-01x", "x")],
        *[({"spend": wrong}, "invalid_money") for wrong in ("-1", "x", "1,5", "NaN")],
        ({"currency": "XXQ"}, "unknown_currency"),
        ({"campaign_name": "\udcff"}, "invalid_encoding"),
        ({"date": "", "clicks": "x"}, "missing_field"), ({"date": "x", "clicks": "x"}, "invalid_type"),
        ({"date": "x", "spend": "x"}, "invalid_timestamp"), ({"currency": "XXQ", "spend": "x"}, "invalid_money"),
        ({"campaign_name": "\udcff", "date": ""}, "invalid_encoding"),
    ],
)  # fmt: skip
def test_reasons_of_spend(changes, reason):
    with pytest.raises(DeadLetter, match=f"^{reason}$"):
        read_spend(SPEND | changes, CONTEXT)


def test_what_spend_may_leave_out():
    read = read_spend(SPEND | {"campaign_id": "", "impressions": "", "clicks": "", "currency": "eur"}, CONTEXT)
    assert (read["campaign_id"], read["impressions"], read["clicks"], read["currency"]) == ("Brand", 0, 0, "EUR")
    assert read_spend(SPEND | {"campaign_name": "", "channel": "Affiliates"}, CONTEXT)["channel"] == "Affiliates"
    assert read_spend(SPEND | {"date": "2026-03-01T00:00:00"}, CONTEXT)["spend_on"] == date(2026, 3, 1)


def test_campaigns_of_spend_that_are_shaped_like_a_person_are_redacted():
    read = read_spend(SPEND | dict.fromkeys(("campaign_id", "campaign_name", "channel"), "jane@example.com"), CONTEXT)
    assert {read["campaign_name"], read["channel"]} == {"(redacted)"}
    assert re.fullmatch(r"\(redacted [0-9a-f]{16}\)", read["campaign_id"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        *[({name: ""}, "missing_field") for name in ("order_id", "ordered_at", "status", "revenue", "currency",
        "updated_at")],
        ({"status": "shipped"}, "invalid_type"),
        *[({"ordered_at": wrong}, "invalid_timestamp") for wrong in ("x", "2026-02-30T00:00:00Z", "01.03.2026",
        "0001-01-01T00:00:00+05:00")],
        ({"updated_at": "x"}, "invalid_timestamp"),
        *[({name: "-1"}, "invalid_money") for name in ("revenue", "refunded", "cogs")],
        ({"currency": "XXQ"}, "unknown_currency"), ({"order_id": "\udcff"}, "invalid_encoding"),
        ({"status": "x", "ordered_at": "x"}, "invalid_type"), ({"revenue": "x", "updated_at": "x"},
        "invalid_timestamp"),
        ({"revenue": "x", "currency": "XXQ"}, "invalid_money"),
    ],
)  # fmt: skip
def test_reasons_of_the_ledger(changes, reason):
    with pytest.raises(DeadLetter, match=f"^{reason}$"):
        read_order(ORDER | changes, CONTEXT)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10)), ("2026-03-01t10:00:00z", datetime(2026, 3, 1, 10)),
        ("2026-03-01 10:00:00+02:00", datetime(2026, 3, 1, 8)), ("2026-03-01 10:00:00", datetime(2026, 3, 1, 9)),
        ("2026-07-01T10:00:00.5", datetime(2026, 7, 1, 8, 0, 0, 500000)), ("2026-03-01", datetime(2026, 2, 28, 23)),
    ],
)  # fmt: skip
def test_the_ledgers_moments_without_an_offset_are_the_regions_time(text, moment):
    assert read_order(ORDER | {"ordered_at": text}, CONTEXT)["ordered_at"] == moment


def test_an_order_of_the_ledger():
    assert read_order(ORDER | {"status": "Partially_Refunded", "refunded": "1.005", "cogs": "4"}, CONTEXT) == {
        "order_id": "o-1", "ordered_at": datetime(2026, 3, 1, 10), "status": "partially_refunded",
        "revenue_minor": 1050,
        "refunded_minor": 100, "cogs_minor": 400, "currency": "EUR", "updated_at": datetime(2026, 3, 2,
        10)}  # fmt: skip
    assert read_order(ORDER | {"refunded": ""}, CONTEXT)["cogs_minor"] is None


def test_an_order_past_the_ledgers_retention_is_none():
    assert read_order(ORDER | {"ordered_at": "2016-03-10T12:00:00Z"}, CONTEXT) is None


def test_an_order_number_shaped_like_an_e_mail_address_is_that_of_the_events():
    assert read_order(ORDER | {"order_id": "jane@example.com"}, CONTEXT)["order_id"] == pseudonym(
        CONTEXT.key, "order", "jane@example.com"
    )


def test_rates_are_exact_and_those_that_are_not_quoted_left_out():
    read = read_rates(
        {"Date": "2026-03-02", "USD": "1.0834", "JPY": "162.35", "RUB": "N/A", "BGN": "", "": "", "XYZ": "5"}
    )
    assert {row["currency"]: row["rate_e8"] for row in read} == {"USD": 108_340_000, "JPY": 16_235_000_000}


@pytest.mark.parametrize(
    ("row", "reason"),
    [({"Date": "x", "USD": "1"}, "invalid_timestamp"), ({"Date": "2026-03-02", "USD": "x"}, "invalid_money"),
     ({"Date": "2026-03-02", "USD": "0"}, "invalid_money"), ({"USD": "1"}, "invalid_timestamp")],
)  # fmt: skip
def test_reasons_of_rates(row, reason):
    with pytest.raises(DeadLetter, match=f"^{reason}$"):
        read_rates(row)
