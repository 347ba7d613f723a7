"""What a run tells of that fails nothing: corrupt archives, what it set aside, a folder that is gone, alerts."""

from __future__ import annotations

import shutil

import pytest

from ingestion.books import region_file
from operations import status
from operations.incidents import run_warnings
from orchestration.cli import show
from orchestration.cli.show_status import refused_lines
from orchestration.pipeline import Outcome
from settings import Topic
from tests.ingestion import conftest
from tests.ingestion.strategies import page
from tests.ingestion.test_load_tables import LEDGER_HEAD, SPEND_HEAD, ledger_row, spend_row

clock, zone = conftest.clock, conftest.zone


def test_a_run_tells_what_it_came_upon_by_region(zone, capsys, monkeypatch):
    before = run_warnings.booked_so_far(zone.settings)
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, ledger_row(), ledger_row("o-2", "x"), ledger_row("o-3", "y")]))
    zone.put("eu/spend/google_ads/a.csv", "\n".join([SPEND_HEAD, spend_row(), spend_row(spend="x")]))
    zone.archive("{", "[")
    zone.archive({}, start=2, suffix="json.gz").write_bytes(b"\x1f\x8bcut")
    zone.load()
    corrupt, *refused, set_aside = run_warnings.warnings(zone.settings, before)
    assert corrupt.startswith("eu: events/topics/web/partition=0/web+0+0000000002.json.gz is not read: ")
    assert "ask upstream" in corrupt
    assert refused == [
        "eu: ledger/a.csv: 2 rows are refused, the first in line 3, column revenue: invalid_money, it is not a number",
        "eu: spend/google_ads/a.csv: 1 row is refused, line 3, column spend: invalid_money, it is not a number",
    ]
    assert set_aside == (
        "eu: 2 records of events, 2 rows of ledger, 1 rows of spend set aside as dead letters: `romi dead-letters list`"
    )
    # Of the next run only what is still wrong.
    assert run_warnings.warnings(zone.settings, run_warnings.booked_so_far(zone.settings)) == [corrupt]

    with region_file(zone.settings, "eu", read_only=True) as con:
        books = status.write_snapshot(con, zone.settings, "eu")["tables"]
    assert {kind: (one["read"], one["loaded"], one["dead_letter"]) for kind, one in books.items()} == {
        "ledger": (3, 1, {"invalid_money": 2}), "spend": (2, 1, {"invalid_money": 1}), "fx": (0, 0, {}),
    }  # fmt: skip
    overview = status.overview(zone.settings)
    assert overview["tables"] == books
    assert (overview["records"]["read"], overview["regions"]["eu"]["tables"]) == (2, books)
    assert refused_lines(overview["regions"]) == [
        "refused rows eu: 2 of 3 of ledger (invalid_money 2)", "refused rows eu: 1 of 2 of spend (invalid_money 1)",
    ]  # fmt: skip

    shutil.rmtree(zone.landing / "eu")
    (zone.landing / "us").mkdir()
    monkeypatch.setattr(status, "alerts", lambda _: {"(all) availability": "page: 3% of the budget left"})
    told = run_warnings.warnings(zone.settings, {"eu": 99})
    assert told[1].startswith("eu: its folder is gone from the landing zone")
    assert told[2] == "availability: page: 3% of the budget left"
    show.outcome(zone.settings, Outcome(warnings=told), as_json=False)
    out = capsys.readouterr().out
    assert [line for line in told if f"warning {line}" not in out] == []


def test_a_region_of_the_configuration_that_nothing_ever_came_of_is_named(zone):
    both = zone.settings.model_copy(update={"regions": {name: zone.settings.region(name) for name in ("eu", "us")}})
    zone.archive(page())
    zone.load()
    line = "us: nothing of it was ever loaded: the configuration names it, and the landing zone has folders for eu"
    assert run_warnings.warnings(both, {"eu": 0}) == [line]
    (zone.landing / "us").mkdir()
    assert run_warnings.warnings(both, {"eu": 0}) == []


def test_a_topic_of_the_configuration_of_which_nothing_landed_is_named_with_those_that_did(zone):
    spelled = zone.settings.model_copy(update={"topics": {"Web": Topic(format="segment"), "web": Topic()}})
    assert run_warnings.warnings(spelled, {"eu": 0}) == []  # nothing landed at all: there is nothing to compare with
    zone.archive(page())
    zone.load()
    [line] = run_warnings.warnings(spelled, {"eu": 0})
    assert line.startswith("topics.Web: no archive of that topic has landed in any region")
    assert line.endswith("those that have: web")
    zone.archive(page(), topic="Web")
    zone.load()
    assert run_warnings.warnings(spelled, {"eu": 0}) == []


def test_a_run_that_misses_records_names_the_option_that_makes_holes_no_loss(zone):
    zone.archive(page(messageId="m-1"))
    zone.archive(page(messageId="m-2"), start=3)
    zone.load()
    (told,) = [line for line in run_warnings.warnings(zone.settings, {}) if "sparse" in line]
    assert told.startswith("eu: 2 records are missing between archives of topic web, partition 0; ")
    assert told.endswith("`topics: {web: {offsets: sparse}}`")
    sparse = zone.settings.model_copy(update={"topics": {"web": Topic(offsets="sparse")}})
    conftest.load_region(sparse, "eu")
    assert run_warnings.warnings(sparse, {}) == []


@pytest.mark.parametrize(
    ("rows", "is_told"),
    [
        ([("Paid Search", "(none)", 60, 0), ("Paid Search", "brand", 50, 0)], True),
        ([("Paid Search", "(none)", 50, 0), ("Paid Search", "brand", 50, 0)], False),
        ([("Email", "(none)", 60, 0)], False),
        ([("Paid Social", "(none)", 60, 40), ("Paid Social", "brand", 1, 0)], False),  # long ago
        ([("Paid Social", "brand", 60, 0)], False),
    ],
)
def test_a_paid_channel_whose_revenue_mostly_names_no_campaign_is_told_how_to_tag(zone, rows, is_told):
    with region_file(zone.settings, "eu") as con:
        con.execute("create schema if not exists finance; create table finance.romi_daily (date date, channel varchar,"
                    " campaign varchar, attribution_model varchar, revenue decimal(18, 2))")  # fmt: skip
        for channel, campaign, revenue, days_ago in rows:
            for model, factor in (("last_touch", 1), ("linear", 1000)):  # each order stands once under each model
                con.execute("insert into finance.romi_daily values (date '2026-03-31' - ?::integer, ?, ?, ?, ?)",
                            [days_ago, channel, campaign, model, revenue * factor])  # fmt: skip
    told = run_warnings.warnings(zone.settings, {})
    assert [f"eu: {rows[0][0]}: most of its revenue" in line for line in told] == [True] * is_told
    assert all("utm_id" in line and "{campaignid}" in line for line in told)
