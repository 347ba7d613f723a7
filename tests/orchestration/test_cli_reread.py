"""`romi files reread`: what was read under other settings is read again, and it is said what comes of it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from ingestion.load import load_region
from operations.store.locks import exclusive
from orchestration.cli.main import main
from tests.ingestion import conftest
from tests.ingestion.strategies import page

clock, zone = conftest.clock, conftest.zone
STATS = {"context": {"consent": {"categoryPreferences": {"Stats": True}}}}
ARCHIVE = "events/topics/web/partition=0/web+0+0000000000.json"


@pytest.fixture
def romi(zone):
    zone.archive(page(messageId="m-1", **STATS), page(messageId="m-2", **STATS))
    with exclusive(zone.settings):
        load_region(zone.settings, "eu")
    config = zone.folder / "romi.yaml"

    def run(*arguments: str, consent: str = "[Stats]") -> tuple[int, str]:
        config.write_text(f"landing: {zone.landing}\nregions: {{eu: {{}}}}\nconsent: {{analytics: {consent}}}\n")
        places = ["--warehouse", str(zone.warehouse), "--config", str(config)]
        done = CliRunner().invoke(main, ["files", "reread", *arguments, *places])
        return done.exit_code, done.output + str(done.exception or "")

    return run


def test_records_dropped_under_wrong_settings_are_read_again_once(romi, zone):
    assert zone.fates() == {"read": 2, "no_consent": 2}
    code, text = romi()
    assert (code, text.splitlines()[0]) == (0, "eu: 1 files read again, 2 records: 2 loaded")
    assert zone.fates() == {"read": 2, "loaded": 2}
    code, text = romi()
    assert (code, "eu: nothing was read under other settings" in text) == (0, True)


def test_one_file_of_a_name_and_as_json(romi, zone):
    code, text = romi("--json", ARCHIVE)
    told = json.loads(text)
    assert (code, told["exit_code"], told["regions"]["eu"]["fates"]) == (0, 0, {"loaded": 2})
    assert zone.fates() == {"read": 2, "loaded": 2}


def test_a_file_that_was_never_read_is_wrong_usage_and_changes_nothing(romi, zone):
    code, text = romi("events/other.json")
    assert code != 0
    assert "no file events/other.json was read; `romi files list` has the names" in text
    assert zone.fates() == {"read": 2, "no_consent": 2}
