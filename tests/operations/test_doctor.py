"""`romi doctor`: everything that a warehouse consists of, right or wrong, and what to do."""

from __future__ import annotations

import os
import shutil

import pytest

from operations import doctor
from operations.retention import retention
from operations.store.memory.remembered import places
from settings import UsageError, now
from tests.ingestion import conftest
from tests.operations.store.memory.shop import JUNE, Shop

clock = conftest.clock


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Shop:
    monkeypatch.setenv("ROMI_NOW", JUNE)
    return Shop.ran(tmp_path, at=JUNE)


def wrong(shop: Shop) -> list[doctor.Check]:
    return [one for one in doctor.examine(shop.settings) if not one.is_right]


def test_a_sound_warehouse_is_right_in_every_respect(shop):
    checks = doctor.examine(shop.settings)
    assert [one for one in checks if not one.is_right] == []
    assert {one.name for one in checks} == {
        "versions", "engine", "files", "links", "memory", "books", "keys", "permissions", "space", "clock",
    }  # fmt: skip
    assert doctor.said_at_start(shop.settings) == []


def test_an_engine_that_is_asked_for_and_not_there_is_told_with_what_it_takes(shop, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    [one] = [one for one in doctor.examine(shop.settings.model_copy(update={"engine": "spark"})) if not one.is_right]
    assert one.name == "engine"
    assert "engine: spark needs" in (one.problem or "")
    assert "engine: duckdb" in (one.mend or "")


def test_where_there_is_no_warehouse_there_is_nothing_to_look_at(tmp_path, shop):
    with pytest.raises(UsageError, match="no warehouse"):
        doctor.examine(shop.settings.model_copy(update={"warehouse": tmp_path / "other"}))


def garble(shop):
    with shop.file.open("r+b") as file:
        for place in range(12_288 + 100, shop.file.stat().st_size, 4096):
            file.seek(place)
            file.write(b"\xff" * 8)


def lengthen(shop):
    path = shop.settings.versions_dir / "000001" / "marts.duckdb"
    stamp = path.stat()
    path.chmod(0o640)
    path.write_bytes(path.read_bytes()[:-1] + b"\xfe")
    path.chmod(0o440)
    import os

    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@pytest.mark.parametrize(
    ("damage", "name", "words"),
    [
        (lambda shop: shop.file.unlink(), "files", "is gone"),
        (garble, "files", "cannot be"),
        (lengthen, "links", "is not what was published"),
        (lambda shop: shop.settings.published.unlink(), "links", "is not there"),
        (lambda shop: shutil.rmtree(places(shop.settings)[1]), "memory", "is missing, damaged or older"),
        (lambda shop: (shop.warehouse / "regions").chmod(0o755), "permissions", "is open to users"),
    ],
    ids=["file gone", "file damaged", "version changed", "link gone", "memory lost", "mode"],
)
def test_what_is_wrong_is_named_with_what_to_do(shop, damage, name, words):
    damage(shop)
    found = wrong(shop)
    assert {one.name for one in found} == {name}
    assert words in str(found[0].problem)
    assert found[0].mend


def test_what_a_killed_process_began_to_write_is_told_after_a_day_and_taken_away(shop):
    names = (".backups.json.77", "books/eu/.requests.jsonl.9", "memory/.eu.json.12345")
    begun = [shop.warehouse / name for name in names]
    for path in begun:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text("{")
        os.utime(path, (now().timestamp(), now().timestamp() - 86_000))
    assert [one for one in wrong(shop) if "killed" in str(one.problem)] == []
    for path in begun:
        os.utime(path, (0, 0))
    told = [one.place for one in wrong(shop) if "was left by a killed process" in str(one.problem)]
    assert told == [str(path) for path in begun]
    assert [line for line in doctor.said_at_start(shop.settings) if str(begun[0]) in line]
    retention.apply(shop.settings, lambda _: {})
    assert [path for path in begun if path.exists()] == []


def test_the_fast_form_mends_the_memory_and_tells_of_mode_clock_and_space(shop, monkeypatch):
    shutil.rmtree(places(shop.settings)[0])
    shop.file.parent.chmod(0o755)
    monkeypatch.setenv("ROMI_NOW", "2026-05-01T00:00:00Z")
    usage = shutil.disk_usage(shop.warehouse)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    told = doctor.said_at_start(shop.settings)
    assert ["is back from its copy" in line for line in told] == [True, True, False, False, False]
    assert ["open to users" in told[2], "1 MiB free" in told[3], "the clock says" in told[4]] == [True, True, True]
    shop.file.parent.chmod(0o700)
