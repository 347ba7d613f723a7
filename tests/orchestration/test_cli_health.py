"""`romi doctor`, `romi accept-loss` and what `romi status` says of what is missing."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from ingestion.books import region_file
from operations import status
from orchestration.cli.main import main
from tests.ingestion import conftest
from tests.operations.store.memory.shop import Shop

clock = conftest.clock


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Shop:
    made = Shop(tmp_path)
    made.land(1)
    made.put("eu/ledgers/orders.csv", "x" * 40)
    made.put("eu/events/notes.txt", "x" * 60)
    monkeypatch.setenv("ROMI_NOW", "2026-06-02T00:00:00Z")
    made.run()
    status.refresh(made.settings)
    (tmp_path / "romi.yaml").write_text(f"landing: {made.landing}\n")
    return made


def romi(shop: Shop, *arguments: str, text: str | None = None) -> tuple[int, str]:
    places = ["--warehouse", str(shop.warehouse), "--config", str(shop.folder / "romi.yaml")]
    done = CliRunner().invoke(main, [*arguments, *places], input=text)
    return done.exit_code, done.output


def test_a_sound_warehouse_passes_the_doctor_and_its_status_names_what_was_not_read(shop):
    code, text = romi(shop, "doctor")
    assert (code, "WRONG" in text) == (0, False)
    assert "all 1" in text.splitlines()[-1]
    code, text = romi(shop, "status")
    assert code == 0, text
    assert "file eu: events/notes.txt is not read" in text
    assert "file eu: ledgers/orders.csv is not read" in text


def test_a_lost_file_is_told_given_up_and_shown_for_good(shop):
    shop.file.unlink()
    code, text = romi(shop, "doctor")
    assert code == 1
    assert "WRONG  files" in text
    code, text = romi(shop, "status")
    assert code == 1
    assert "missing: " in text
    code, told = romi(shop, "status", "--json")
    assert (code, json.loads(told)["missing"][0]["kind"]) == (1, "missing_file")
    code, text = romi(shop, "accept-loss", "--region", "eu", text="n\n")
    assert (code, "nothing was given up" in text) == (2, True)
    assert romi(shop, "accept-loss")[0] == 2
    code, text = romi(shop, "accept-loss", "--region", "eu", "--by", "ann", text="y\n")
    assert (code, "booked as lost by ann: 1 files" in text) == (0, True)
    shop.ingest()
    code, told = romi(shop, "status", "--json")
    [loss] = json.loads(told)["losses"]
    assert (loss["accepted_by"], loss["records"], loss["orders"]) == ("ann", 3, 3)
    assert "given up on 2026-06-02 by ann" in romi(shop, "status")[1]


def test_corrupt_archives_and_a_lost_snapshot_are_named_by_the_status_and_it_fails(shop):
    shop.archive(start=900, suffix="json.gz").write_bytes(b"\x1f\x8bcut")
    shop.ingest()
    with region_file(shop.settings, "eu") as con:
        status.write_snapshot(con, shop.settings, "eu")
    code, text = romi(shop, "status")
    assert code == 1
    assert "web+0+0000000900.json.gz is not read" in text
    assert "1 file is corrupt and not read, 5 bytes" in text
    (shop.warehouse / "status" / "eu.json").write_text("{")
    code, text = romi(shop, "status")
    assert code == 1
    assert "region eu is not shown" in text
