"""What goes wrong in a shop becomes incidents that a person would count, and each closes when it is mended."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from operations.incidents import book
from settings import Settings, now
from tests.end_to_end import conftest
from tests.end_to_end.conftest import order, page

shop = conftest.shop
RATES = "Date,USD\n2026-03-02,1.08\n"


@pytest.fixture
def small(shop, monkeypatch, tmp_path):
    shop.configure("""
privacy: {k_anonymity: 1}
slo: {ingest_latency_ms: 60000}
incidents: {roles: [{role: on_call, address: ops}]}
""")
    monkeypatch.setenv("ROMI_NOTICE_OPS", f"file://{tmp_path / 'notices'}")
    shop.archive("eu", 0, [page("m1", "2026-03-01T10:00:00Z"), order("m2", "2026-03-02T10:00:00Z", "o-1", 50)])
    return shop


def later(monkeypatch, **by):
    monkeypatch.setenv("ROMI_NOW", (now() + timedelta(**by)).isoformat())


def notices(folder):
    path = folder / "notices"
    return [json.loads(line)["title"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.slow  # below one opens and closes; tests/operations/incidents has the rest
def test_corrupt_archives_open_one_incident_that_closes_when_they_land_whole(small, monkeypatch, tmp_path):
    paths = [
        small.archive("eu", 2 + n, [order(f"c{n}", "2026-03-03T10:00:00Z", f"o-c{n}", 10)], suffix="json.gz")
        for n in range(3)
    ]
    whole = [path.read_bytes() for path in paths]
    for path, content in zip(paths, whole, strict=True):
        path.write_bytes(content[: len(content) // 2])
    _, run = small.romi("run")
    assert run["incidents"] == [
        "opened incident 1: corrupt archives in eu: gzip archives cannot be read whole (3 touched)",
        "told on_call (ops) of incident 1",
    ]
    later(monkeypatch, minutes=5)
    assert small.romi("run")[1]["incidents"] == []
    code, listed = small.romi("incidents", "list")
    assert (code, [one["title"] for one in listed["incidents"]]) == (0, [run["incidents"][0].partition(": ")[2]])
    assert small.romi("incidents", "ack", "1", "--by", "ann")[1]["acknowledged_by"] == "ann"
    later(monkeypatch, minutes=55)
    for path, content in zip(paths, whole, strict=True):
        path.write_bytes(content)
    _, run = small.romi("run")
    assert run["incidents"] == [
        "closed incident 1: corrupt archives in eu: gzip archives cannot be read whole (3 touched)",
        "told on_call (ops) of incident 1",
    ]
    assert [title.partition(", ")[2].partition(":")[0] for title in notices(tmp_path)] == ["opened", "over"]
    assert small.romi("incidents", "list")[1] == {"incidents": []}
    _, reviewed = small.romi("incidents", "review", "1")
    assert reviewed["impact"]["minutes"] == 60
    assert reviewed["impact"]["at_risk_cents"] is not None
    for part in ("## Timeline", "acknowledged by ann", "opened, ", "closed, as its cause is gone", "## Cause"):
        assert part in reviewed["review"]


def test_a_withheld_day_is_one_incident_and_an_unknown_number_names_the_open_ones(small):
    small.archive("eu", 2, [order("m3", "2026-03-05T10:00:00Z", "o-2", 20, currency="USD")])
    small.table("eu", "ledger/a.csv", [
        {"order_id": "o-2", "ordered_at": "2026-03-05T10:00:00Z", "status": "completed", "revenue": "20.00",
         "refunded": "0", "cogs": "", "currency": "USD", "updated_at": "2026-03-05T10:00:00Z"},
    ])  # fmt: skip
    code, run = small.romi("run")
    assert code == 3
    assert run["incidents"][0] == "opened incident 1: withheld in eu: no reference rate for USD, needed for an order"
    code, told = small.romi("incidents", "show", "7")
    assert (code, told["error"]) == (2, "unknown incident 7; known: 1")
    (small.landing / "fx").mkdir()
    (small.landing / "fx" / "eurofxref-hist.csv").write_text(RATES)
    code, run = small.romi("run")
    assert (code, run["incidents"][0][:17]) == (0, "closed incident 1")


def test_a_breach_is_opened_by_hand_and_shows_its_runbook_and_deadline(small):
    small.romi("run")
    _, opened = small.romi("incidents", "open", "breach", "--what", "a backup disk is lost", "--region", "eu")
    assert opened["authority_deadline"] == "2026-03-23 12:00:00+00:00"
    _, shown = small.romi("incidents", "show", "1")
    assert "72" in shown["runbook"]["means"]
    _, done = small.romi("incidents", "resolve", "1", "--by", "ann", "--note", "it was encrypted")
    assert (done["state"], done["closed_by"]) == ("closed", "ann")
    assert book.live(Settings(warehouse=small.warehouse)) == []
