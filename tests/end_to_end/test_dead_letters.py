"""Dead letters, a fix, a replay, and the next run publishes what a shop without the mistake has published."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from ingestion.load import load_region
from operations.store.locks import exclusive
from orchestration.cli.main import main
from settings import Settings
from tests.end_to_end.conftest import Shop, campaign, order, page
from tests.ingestion.conftest import HOLD

_CONFIG = "regions: {eu: {consent_default: granted}}\nprivacy: {k_anonymity: 1}\n"
_RIGHT = _CONFIG + "topics: {shop: {format: ga4}}\n"


def _ga4(at_micros: int, name: str, person: str, **fields) -> dict:
    return {"event_timestamp": at_micros, "event_name": name, "user_pseudo_id": person, "event_params": [], **fields}


def _land(shop: Shop) -> Shop:
    """Touches on the web topic, orders on a topic in GA4's format."""
    noon = 1_773_144_000_000_000  # 2026-03-10T12:00:00Z
    touches = [
        page("p-1", "2026-03-08T10:00:00Z", "a-1", context=campaign("google", "cpc", "brand")),
        page("p-2", "2026-03-09T10:00:00Z", "a-2", context=campaign("newsletter", "email", "w9")),
    ]
    shop.archive("eu", 0, [*touches, order("m-1", "2026-03-09T11:00:00Z", "o-1", 80), {"messageId": "m-x"}])
    bought = [
        _ga4(noon + n, "purchase", f"a-{n}", ecommerce={"transaction_id": f"o-{n}", "purchase_revenue": 50.25 * n})
        for n in (1, 2, 3)
    ]
    shop.archive("eu", 0, [*bought, "{"], topic="shop")
    ledger = [("o-1", "2026-03-09T11:00:00Z", 80), ("o-2", "2026-03-10T12:00:00Z", 100.5)]
    shop.table("eu", "ledger/a.csv", [
        {"order_id": number, "ordered_at": at, "status": "completed", "revenue": revenue, "currency": "EUR",
         "updated_at": at} for number, at, revenue in ledger
    ])  # fmt: skip
    return shop


def _load(shop: Shop) -> None:
    settings = Settings(warehouse=shop.warehouse, landing=str(shop.landing))
    with exclusive(settings):
        load_region(settings, "eu")


@pytest.mark.slow  # tests/operations/test_replay.py
def test_replayed_after_a_fix_they_are_published_as_if_nothing_had_been_wrong(shop, tmp_path_factory):
    _land(shop).configure(_CONFIG)
    assert shop.romi("run")[0] in (0, 3)
    _, listed = shop.romi("dead-letters", "list", "--ids")
    assert listed["records"] == 5
    assert {(group["topic"], group["reason"]): group["records"] for group in listed["groups"]} == {
        ("shop", "malformed_json"): 1, ("shop", "missing_field"): 3, ("web", "missing_field"): 1}  # fmt: skip
    assert listed["letters"][0]["id"].startswith("eu:")

    shop.configure(_RIGHT)
    code, told = shop.romi("dead-letters", "replay", "--reason", "missing_field")

    assert code == 0
    assert told["regions"]["eu"]["fates"] == {"loaded": 3}
    assert told["regions"]["eu"]["dead_letter"] == {"missing_field": 1}
    assert 0 < told["pending_days"]["eu"] < 5
    status = shop.romi("status")[1]
    assert status["records"]["dead_letter"] == {"malformed_json": 1, "missing_field": 1}
    assert status["regions"]["eu"]["pending"]

    code, ran = shop.romi("run")
    calm = _land(Shop(tmp_path_factory.mktemp("calm")))
    calm.configure(_RIGHT)
    assert calm.romi("run")[0] == code
    assert ran["version"]
    left_out = {"restatements", "slo_daily"}
    assert {name: rows for name, rows in shop.rows().items() if name not in left_out} == {
        name: rows for name, rows in calm.rows().items() if name not in left_out
    }
    assert shop.romi("status")[1]["records"] == calm.romi("status")[1]["records"]

    again = shop.romi("dead-letters", "replay")[1]
    assert again["regions"]["eu"]["fates"] == {}
    assert again["pending_days"] == {"eu": 0}
    assert shop.romi("run")[1]["version"] is None


def test_a_payload_is_opened_on_request_alone_and_every_mistake_is_one_line(shop):
    shop.archive("eu", 0, ['{"userId": "jane@example.com"}', '{"\x1b[2J'])
    _load(shop)
    _, listed = shop.romi("dead-letters", "list", "--ids", "--region", "eu")
    first, second = (letter["id"] for letter in listed["letters"])
    _, shown = shop.romi("dead-letters", "show", first)
    assert shown["reason"] == "missing_field"
    assert "payload" not in shown
    place = ["--region", "eu", "--archive", shown["archive"], "--offset", str(shown["record_offset"])]
    _, opened = shop.romi("dead-letters", "show", *place, "--payload")
    assert opened == shown | {"payload": '{"userId": "jane@example.com"}', "notice": opened["notice"]}
    assert "personal data" in opened["notice"]

    for arguments in (
        ["show"], ["show", "eu"], ["show", "eu:1:9"], ["show", first, "--region", "us"], ["show", "mars:1:0"],
        ["list", "--reason", "odd"], ["replay", "--id", first, "--reason", "missing_field"],
    ):  # fmt: skip
        code, told = shop.romi("dead-letters", *arguments)
        assert code == 2, arguments
        assert "\n" not in told["error"]
    assert shop.romi("dead-letters", "replay", "--id", "eu:1:99")[1]["regions"]["eu"]["records"] == 0

    def said(*arguments):
        return CliRunner().invoke(main, ["dead-letters", *arguments, "--warehouse", str(shop.warehouse)]).stdout

    assert "missing_field" in said("list", "--ids")
    assert "jane" not in said("list", "--ids") + said("show", first) + said("replay")
    assert "jane@example.com" in said("show", first, "--payload")
    assert "\x1b" not in said("show", second, "--payload")
    assert "1 still dead (malformed_json), 1 still dead (missing_field)" in said("replay")


def test_no_warehouse_is_said(shop):
    code, told = shop.romi("dead-letters", "list")
    assert code == 2
    assert "no warehouse" in told["error"]


def test_while_another_writes_it_says_so(shop, monkeypatch):
    monkeypatch.setattr("privacy.storage._LOCK_WAITS", ())
    shop.archive("eu", 0, ["{"])
    _load(shop)
    command = [sys.executable, "-c", HOLD, str(shop.warehouse / "regions" / "eu.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"held\n"
        code, told = shop.romi("dead-letters", "list")
        writer.communicate(b"\n")
    assert code == 1
    assert "held by another process" in told["error"]
