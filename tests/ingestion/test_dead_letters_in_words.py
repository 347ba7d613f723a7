"""A dead letter names its field and what was expected there, for every reason there is, and never what it was."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from ingestion import dead_letters
from ingestion.books import region_file
from ingestion.dead_letters import Which
from ingestion.records import REASONS
from operations.landed_files import findings
from tests.ingestion.strategies import order, page
from tests.ingestion.test_load_tables import LEDGER_HEAD, SPEND_HEAD, ledger_row, spend_row

SECRET = "jane-canary"
_PAID = order()["properties"]
# By reason, a line that is refused for it and the field to blame; none for what is refused as a whole.
LINES = {
    "oversized_record": (SECRET * (1 << 17), ""),
    "invalid_encoding": (f'{{"userId": "{SECRET}\\'.encode() + b"\xff", ""),
    "malformed_json": (f'{{"userId": "{SECRET}"', ""),
    "missing_field": (page(messageId=None, userId=SECRET), "messageId"),
    "invalid_type": (page(userId=[SECRET]), "userId"),
    "invalid_timestamp": (page(timestamp=SECRET), "timestamp"),
    "future_timestamp": (page(timestamp="2099-01-01T00:00:00Z", userId=SECRET), "timestamp"),
    "invalid_money": (order(properties=_PAID | {"revenue": SECRET}), "properties.revenue"),
    "unknown_currency": (order(properties=_PAID | {"currency": SECRET}), "properties.currency"),
}


def test_every_reason_is_tried():
    assert set(LINES) == set(REASONS)


@pytest.mark.parametrize("reason", LINES)
def test_a_record_is_told_by_field_and_expectation_and_never_by_value(zone, reason):
    line, field = LINES[reason]
    zone.archive(line)
    zone.load()
    with region_file(zone.settings, "eu", read_only=True) as con:
        [group], [letter] = dead_letters.summary(con, Which()), dead_letters.letters(con, Which(), 9)
    assert (group["reason"], letter.reason, letter.field) == (reason, reason, field)
    assert letter.expected
    assert group["fields"] == {field: letter.expected}
    said = json.dumps([group, asdict(letter), letter.expected], default=str)
    assert SECRET not in said
    assert "2099" not in said.replace(str(letter.occurred_at), "")


@pytest.mark.parametrize(
    ("name", "head", "row", "reason", "column"),
    [
        ("eu/ledger/a.csv", LEDGER_HEAD, ledger_row("o-1", SECRET), "invalid_money", "revenue"),
        ("eu/ledger/a.csv", LEDGER_HEAD, f"{ledger_row('o-1')},{SECRET}", "malformed_row", ""),
        ("eu/ledger/a.csv", LEDGER_HEAD, ledger_row("o-1").replace("EUR", SECRET), "unknown_currency", "currency"),
        ("eu/ledger/a.csv", LEDGER_HEAD, ledger_row("o-1").replace("completed", SECRET), "unknown_status", "status"),
        ("eu/spend/google_ads/a.csv", SPEND_HEAD, spend_row(spend=SECRET), "invalid_money", "spend"),
        ("eu/spend/google_ads/a.csv", SPEND_HEAD, spend_row().replace("2026-", SECRET), "invalid_timestamp", "date"),
    ],
)  # fmt: skip
def test_a_row_of_a_table_is_told_by_column_and_expectation_and_never_by_value(zone, name, head, row, reason, column):
    good = ledger_row("o-9") if "ledger" in name else spend_row()
    zone.put(name, "\n".join([head, good, row]))
    zone.load()
    with region_file(zone.settings, "eu", read_only=True) as con:
        told = " ".join(findings.all_lines(con, zone.settings, "eu"))
        letters = dead_letters.letters(con, Which(), 9)
    assert f"column {column}: {reason}, " in told or not column
    assert reason in told
    assert [one.reason for one in letters] == [reason]
    assert SECRET not in told + repr(letters) + repr([one.expected for one in letters])
