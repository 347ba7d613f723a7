"""`romi status` and `publish list` as logs and pipes get them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from operations import status
from operations.service_levels.budget_words import what_is_left
from operations.store import rollback
from operations.store.locks import exclusive
from orchestration.cli import show, show_status
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
    ("left", "words", "cell"),
    [
        (1.0, "100% of the error budget is left", "100%"), (0.034, "3% of the error budget is left", "3%"),
        (0.0, "the error budget is used up", "0%"), (-0.0004, "the error budget is used up", "0%"),
        (-0.5, "1.5 times the error budget is spent", "0% (1.5 times spent)"),
        (-49.0, "50 times the error budget is spent", "0% (50 times spent)"),
        (-99999.0, "100,000 times the error budget is spent", "0% (100,000 times spent)"),
    ],
)  # fmt: skip
def test_what_is_left_of_a_budget_is_said_in_words(left, words, cell):
    assert what_is_left(left) == words
    assert show_status._budget(left) == cell


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
