"""`romi status` and `publish list` as logs and pipes get them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from operations import status
from operations.store import versions
from operations.store.locks import exclusive
from orchestration.cli import show
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


def test_a_version_that_stays_is_seen(shop):
    assert "is pinned" not in romi(shop, "status") + romi(shop, "publish", "list")
    versions.rollback(shop, 1)
    line = "version 1 is pinned: nothing is published until `romi publish unpin`"
    assert line in romi(shop, "status")
    listed = romi(shop, "publish", "list")
    assert line in listed
    assert "current, pinned" in listed
    told = json.loads(romi(shop, "publish", "list", "--json"))
    assert (told["pinned"], told["versions"][0]["is_pinned"]) == (1, True)
