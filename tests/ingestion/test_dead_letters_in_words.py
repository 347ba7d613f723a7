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

CANARY = "jane-canary"
_PAID = order()["properties"]
# By reason, a line that is refused for it and the field to blame; none for what is refused as a whole.
LINES = {
    "oversized_record": (CANARY * (1 << 17), ""),
    "invalid_encoding": (f'{{"userId": "{CANARY}\\'.encode() + b"\xff", ""),
    "malformed_json": (f'{{"userId": "{CANARY}"', ""),
    "missing_field": (page(messageId=None, userId=CANARY), "messageId"),
    "invalid_type": (page(userId=[CANARY]), "userId"),
    "invalid_timestamp": (page(timestamp=CANARY), "timestamp"),
    "future_timestamp": (page(timestamp="2099-01-01T00:00:00Z", userId=CANARY), "timestamp"),
    "invalid_money": (order(properties=_PAID | {"revenue": CANARY}), "properties.revenue"),
    "unknown_currency": (order(properties=_PAID | {"currency": CANARY}), "properties.currency"),
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
    assert CANARY not in said
    assert "2099" not in said.replace(str(letter.occurred_at), "")


@pytest.mark.parametrize(
    ("name", "head", "row", "reason", "column"),
    [
        ("eu/ledger/a.csv", LEDGER_HEAD, ledger_row("o-1", CANARY), "invalid_money", "revenue"),
        ("eu/ledger/a.csv", LEDGER_HEAD, f"{ledger_row('o-1')},{CANARY}", "malformed_row", ""),
        ("eu/ledger/a.csv", LEDGER_HEAD, ledger_row("o-1").replace("EUR", CANARY), "unknown_currency", "currency"),
        ("eu/ledger/a.csv", LEDGER_HEAD, ledger_row("o-1").replace("completed", CANARY), "unknown_status", "status"),
        ("eu/spend/google_ads/a.csv", SPEND_HEAD, spend_row(spend=CANARY), "invalid_money", "spend"),
        ("eu/spend/google_ads/a.csv", SPEND_HEAD, spend_row().replace("2026-", CANARY), "invalid_timestamp", "date"),
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
    assert CANARY not in told + repr(letters) + repr([one.expected for one in letters])
