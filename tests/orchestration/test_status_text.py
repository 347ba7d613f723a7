"""`romi status` and `publish list` as logs and pipes get them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from operations import status
from operations.incidents import report
from operations.incidents.findings import Finding, Kind
from operations.service_levels.budget_words import cell, what_is_left
from operations.store import rollback
from operations.store.locks import exclusive
from orchestration.cli import show, show_standing
from orchestration.cli.main import main
from settings import Settings
from tests.operations import marts

settings = marts.settings


@pytest.fixture
def shop(settings, monkeypatch) -> Settings:
    monkeypatch.setenv("ROMI_NOW", "2026-06-01T12:00:00Z")
    monkeypatch.setenv("COLUMNS", "40")
    with exclusive(settings):
        marts.build(settings, "eu")
        status.refresh(settings)
        marts.publish_now(settings)
    return settings


def romi(settings: Settings, *arguments: str) -> str:
    done = CliRunner().invoke(main, [*arguments, "--warehouse", str(settings.warehouse)])
    assert done.exit_code == 0, done.output
    return done.output


def test_where_there_is_no_terminal_nothing_is_cut(shop, capsys):
    text = romi(shop, "status")
    assert "…" not in text
    assert "pending windows" in text
    level = {"unit": "share", "achieved": 0.99791, "objective": 0.98, "is_met": True, "alert": None,
             "error_budget_left": 1.0}  # fmt: skip
    show.status({**status.overview(shop), "slo": {"a service level with a very long name": level}}, as_json=False)
    [row] = [line for line in capsys.readouterr().out.splitlines() if "very long name" in line]
    assert "99.791%" in row
    assert max(map(len, text.splitlines())) < 400


@pytest.mark.parametrize(
    ("left", "words", "in_a_table"),
    [
        (1.0, "100% of the error budget is left", "100%"), (0.034, "3% of the error budget is left", "3%"),
        (0.005, "less than 1% of the error budget is left", "< 1%"),
        (1e-9, "less than 1% of the error budget is left", "< 1%"), (-0.04, "the error budget is used up", "0%"),
        (0.0, "the error budget is used up", "0%"), (-0.0004, "the error budget is used up", "0%"),
        (-0.5, "1.5 times the error budget is spent", "0% (1.5 times spent)"),
        (-49.0, "50 times the error budget is spent", "0% (50 times spent)"),
        (-99999.0, "100,000 times the error budget is spent", "0% (100,000 times spent)"),
    ],
)  # fmt: skip
def test_what_is_left_of_a_budget_is_said_in_words(left, words, in_a_table):
    assert what_is_left(left) == words
    assert cell(left) == in_a_table


def test_a_version_that_stays_is_seen(shop):
    assert "is pinned" not in romi(shop, "status") + romi(shop, "publish", "list")
    rollback.rollback(shop, 1)
    line = "version 1 is pinned: nothing is published until `romi publish unpin`"
    assert line in romi(shop, "status")
    listed = romi(shop, "publish", "list")
    assert line in listed
    assert "current, pinned" in listed
    told = json.loads(romi(shop, "publish", "list", "--json"))
    assert (told["pinned"], told["versions"][0]["is_pinned"]) == (1, True)


def test_incidents_room_on_the_disk_and_closed_months_have_a_line_each(shop):
    quiet = romi(shop, "status").splitlines()
    assert "incidents: none open" in quiet
    assert "closed months: none" in quiet
    [capacity] = [line for line in quiet if line.startswith("capacity: ")]
    assert capacity.endswith(" GB free: the disk suffices for more than five years")
    report.report(shop, [Finding(Kind.LOCK, "held by another process", "eu: ingest waited for 600 s", "eu")],
                  judged=(), run=None)  # fmt: skip
    [incident] = [line for line in romi(shop, "status").splitlines() if line.startswith("incident ")]
    assert incident.startswith("incident 1 (")
    assert incident.endswith(
        " since 2026-06-01 12:00 UTC: lock in eu: held by another process; `romi incidents show 1`"
    )
    assert json.loads(romi(shop, "status", "--json"))["incidents"][0]["acknowledged_by"] is None


def test_what_stands_is_said_in_few_lines_however_much_it_is():
    open_ones = [
        {"number": number, "severity": "minor", "title": "late region in eu", "opened_at": "2026-06-01T12:00:00+00:00",
         "acknowledged_by": "ada" if number == 1 else None}
        for number in range(1, 9)
    ]  # fmt: skip
    lines = show_standing.incident_lines(open_ones)
    assert lines[0] == "incident 1 (minor) since 2026-06-01 12:00 UTC: late region in eu; ada is on it"
    assert lines[5:] == ["incidents: 3 more; `romi incidents list`"]
    capacity = {"events_a_day": 2_000_000, "bytes_a_day": 1_500_000_000, "free_bytes": 40 * 10**9,
                "stops_fitting_on": "2026-06-27"}  # fmt: skip
    assert show_standing.capacity_line(capacity) == (
        "capacity: 2,000,000 events and 1.50 GB a day, 40.0 GB free: the disk stops fitting on 2026-06-27"
    )
    assert show_standing.closed_months_line(["2026-04", "2026-05"]) == "closed months: 2026-04, 2026-05"
    assert show_standing.closed_months_line(None).endswith("`romi close verify` says which")
