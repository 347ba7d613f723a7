"""A backup is one that came back: tried at once, measured, and shown."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from ingestion.books import region_file
from operations import status
from operations.backups import backup, restore, verified_backup
from operations.backups.backup_book import is_due, last_verified, summary
from operations.backups.backup_places import BACKUPS, known_backups
from operations.backups.verified_backup import back_up_and_try
from operations.retention import retention
from operations.service_levels import probe
from operations.store.memory.keeping import remember_books
from orchestration.cli.show_backup import backup_lines
from orchestration.defs.backup.assets import backup as backup_asset
from orchestration.defs.backup.assets import backups
from orchestration.warehouse import Warehouse
from settings import Backup, PermanentError, Settings, now
from tests.operations import marts
from tests.operations.store.memory.shop import Shop as RememberedShop

settings, shown_eu = marts.settings, marts.shown_eu


@pytest.fixture
def shop(shown_eu) -> Settings:
    probe.probe(shown_eu)
    return shown_eu.model_copy(update={"backup": Backup(every_hours=6)})


def test_a_backup_is_restored_on_trial_and_says_what_would_be_lost_and_how_long_it_takes(shop, monkeypatch):
    assert is_due(shop)
    assert summary(shop)["last"] is None
    seen = []
    monkeypatch.setattr(verified_backup, "look", lambda one: seen.append(one.warehouse) or probe.look(one))
    done = back_up_and_try(shop)
    assert seen
    assert seen[0] != shop.warehouse
    assert done.recovery_seconds > 0
    backups_dir = shop.warehouse.with_name("warehouse.backups")
    assert [path.name for path in backups_dir.iterdir()] == ["20260601T120000Z"]  # the trial left nothing
    assert last_verified(shop) == done
    assert not is_due(shop)

    monkeypatch.setenv("ROMI_NOW", "2026-06-01T17:59:00Z")
    told = status.overview(shop)["backup"]
    assert (told["recovery_point_seconds"], told["is_due"], told["problem"]) == (5 * 3600 + 59 * 60, False, None)
    assert told["recovery_time_seconds"] == done.recovery_seconds
    assert "(recovery point 5 h 59 min ago, recovery time" in backup_lines(told)[0]
    monkeypatch.setenv("ROMI_NOW", "2026-06-01T18:00:00Z")
    assert is_due(shop)
    assert not is_due(shop.model_copy(update={"backup": Backup()}))


def test_a_backup_that_does_not_come_back_is_no_backup(shop, monkeypatch):
    good = back_up_and_try(shop)
    monkeypatch.setenv("ROMI_NOW", (now() + timedelta(hours=7)).isoformat())
    real = backup.copy

    def lose_a_bit(path, to):
        told = real(path, to)
        if ".trial" in str(to) and to.name == "eu.duckdb":
            data = bytearray(to.read_bytes())
            data[len(data) // 2] ^= 1
            to.write_bytes(bytes(data))
        return told

    monkeypatch.setattr(restore, "copy", lose_a_bit)
    with pytest.raises(PermanentError, match=r"cannot be restored: .*eu\.duckdb is not what was backed up"):
        back_up_and_try(shop)
    assert last_verified(shop) == good
    assert is_due(shop)
    assert any("the last one failed" in line for line in backup_lines(summary(shop)))


@pytest.mark.parametrize("lost", ["regions/eu.duckdb", "books/eu/release.jsonl"])
def test_a_backup_of_a_warehouse_that_has_lost_something_is_not_taken_for_a_good_one(tmp_path, monkeypatch, lost):
    """What is whole is older, and must not be the one that retention takes for replaced."""
    monkeypatch.setenv("ROMI_NOW", "2026-06-02T00:00:00Z")
    shop = RememberedShop(tmp_path)
    shop.land(1)
    shop.write_book(1, name="release")
    shop.run()
    shop.prune(1)
    remember_books(shop.settings, "eu")
    good = back_up_and_try(shop.settings)
    (shop.warehouse / lost).unlink()
    monkeypatch.setenv("ROMI_NOW", "2026-06-03T00:00:00Z")
    with pytest.raises(PermanentError, match=rf"lacks what the warehouse lacks: eu: .*{lost} is (gone|missing)"):
        back_up_and_try(shop.settings)
    assert last_verified(shop.settings) == good
    assert is_due(shop.settings.model_copy(update={"backup": Backup(every_hours=6)}))
    assert f"{lost} is" in summary(shop.settings)["problem"]


def test_the_schedule_backs_up_when_the_configuration_asks_for_it(shop, tmp_path, monkeypatch):
    config = tmp_path / "romi.yaml"
    config.write_text("backup: {every_hours: 6}\n")
    plain = Warehouse(warehouse=str(shop.warehouse))
    asked = Warehouse(warehouse=str(shop.warehouse), config=str(config))
    monkeypatch.chdir(tmp_path / "warehouse")
    with dg.DagsterInstance.ephemeral() as instance:

        def tick(warehouse: Warehouse):
            return backups(dg.build_schedule_context(instance, resources={"warehouse": warehouse}))

        assert isinstance(tick(plain), dg.SkipReason)
        assert isinstance(tick(asked), dg.RunRequest)
        result = dg.materialize([backup_asset], instance=instance, resources={"warehouse": asked})
        [check] = result.get_asset_check_evaluations()
        assert (check.check_name, check.passed) == ("backup_comes_back", True)
        assert isinstance(tick(asked), dg.SkipReason)
        monkeypatch.setattr(verified_backup, "restore", lambda *_, **__: (_ for _ in ()).throw(PermanentError("no")))
        [check] = dg.materialize(
            [backup_asset], instance=instance, resources={"warehouse": asked}
        ).get_asset_check_evaluations()  # fmt: skip
        assert not check.passed
        monkeypatch.setattr(verified_backup, "back_up", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
        [check] = dg.materialize(
            [backup_asset], instance=instance, resources={"warehouse": asked}
        ).get_asset_check_evaluations()  # fmt: skip
        assert (check.passed, check.metadata["problem"].value) == (False, "no backup was made: No space left")


def test_a_restore_forgets_no_probe(shop):
    done = back_up_and_try(shop)
    probe.probe(shop)
    restore.restore(shop, Path(done.folder), force=True)
    assert len(list(probe.probes(shop, now() - timedelta(hours=1)))) == 2
    with region_file(shop, "eu", read_only=True) as con:
        assert con.execute("select count(*) from ops.days where build > 0").fetchall() == [(3,)]
    assert json.loads((shop.warehouse / "restored.json").read_text())["recovery_seconds"] > 0


def test_a_lost_book_of_backups_lets_none_stay_for_good(shop, monkeypatch):
    made, book = Path(back_up_and_try(shop, trial=False).folder), shop.warehouse / BACKUPS
    before = known_backups(shop)
    book.write_text("{}")
    assert known_backups(shop) == before
    book.unlink()
    assert known_backups(shop) == before
    monkeypatch.setenv("ROMI_NOW", "2026-07-20T12:00:00Z")
    book.mkdir()
    with pytest.raises(PermanentError, match="the book of backups, is cut off or no JSON"):
        retention.apply(shop, lambda _: {})
    book.rmdir()
    assert [one.count for one in retention.apply(shop, lambda _: {}).disposed if one.what == "backups"] == [1]
    assert not made.exists()
    assert known_backups(shop) == before  # booked is what was made; whether it is there, who asks looks
    assert retention.apply(shop, lambda _: {}).disposed == []


def test_retention_keeps_the_last_backup_that_came_back_until_a_newer_one_did(shop, monkeypatch):
    good = Path(back_up_and_try(shop).folder)
    monkeypatch.setenv("ROMI_NOW", "2026-06-02T12:00:00Z")
    damaged, untried = Path(back_up_and_try(shop).folder), backup.back_up(shop).folder
    (damaged / "warehouse" / "regions" / "eu.duckdb").write_bytes(b"half")
    monkeypatch.setenv("ROMI_NOW", "2026-07-20T12:00:00Z")
    assert is_due(shop)
    done = retention.apply(shop, lambda _: {})
    [told] = [one for one in done.disposed if one.what == "backups"]
    assert (told.count, done.exit_code) == (2, 1)
    assert f"{good} is the last backup that came back on trial" in told.blocked
    assert [one.is_dir() for one in (good, damaged, untried)] == [True, False, False]
    assert str(good) not in {one["item"] for one in retention.book(shop)}
    assert retention.find_overdue(shop, lambda _: {})["backups"] == 1  # past its period it is, and the audit says so
    back_up_and_try(shop)
    assert [one.blocked for one in retention.apply(shop, lambda _: {}).disposed if one.what == "backups"] == [None]
    assert not good.exists()
