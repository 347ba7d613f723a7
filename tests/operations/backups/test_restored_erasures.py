"""Who was erased after a backup is not in what is restored from it, though the disk with the warehouse is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from operations.backups import backup
from operations.backups.restore import restore
from operations.register.register_audit import audit
from operations.removal import erasure
from operations.rights import subjects
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from privacy import tombstone_memory
from privacy.keys import key_file
from privacy.suppression_book import ForgottenError, SuppressionBook
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import order, page

NAMED = "select count(*), count(user_id), count(order_id) from raw.events"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-10T12:00:00Z")
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    zone = Zone(tmp_path)
    with exclusive(zone.settings):
        zone.archive(
            page(messageId="m-1", userId="ann"), order(messageId="m-2", userId="ann"),
            page(messageId="m-3", anonymousId="a-3"), '{"userId": "ann", "messageId": ',
        )  # fmt: skip
        zone.load()
    return zone


@pytest.fixture
def backed_up(shop) -> Path:
    """A backup of before the erasure; the warehouse that knew of the erasure is gone."""
    made = backup.back_up(shop.settings)
    assert subjects.erase(shop.settings, Subject(user_id="ann"), None).exit_code == 0
    assert shop.query(NAMED) == [(2, 1, 1)]
    shutil.rmtree(shop.warehouse)
    return made.folder


def test_after_a_lost_disk_the_copy_beside_the_keys_takes_them_out_of_the_backup(shop, backed_up):
    done = restore(shop.settings, backed_up)
    assert shop.query(NAMED) == [(2, 1, 1)]
    assert shop.query("select count(*) from ops.dead_letters") == [(0,)]
    assert any("2 events and 1 dead letters were taken out" in line for line in done.notes), done.notes
    assert any("back from beside the keys" in line for line in done.notes)
    assert [one for one in audit(shop.settings, lambda _: {}) if "tombstone" in one or "erased" in one] == []
    shop.archive(page(messageId="m-1", userId="ann", context={}), start=100)
    shop.load()
    assert shop.fates()["suppressed"] == 1


def test_a_restore_that_knows_fewer_erasures_than_were_made_is_refused_until_the_loss_is_accepted(shop, backed_up):
    tombstone_memory.copy_of(shop.warehouse, "eu").path.unlink()
    with pytest.raises(ForgottenError, match=r"0 tombstones .* but 2 were made.*accept-loss"):
        restore(shop.settings, backed_up)
    assert not (shop.warehouse / "regions" / "eu.duckdb").exists(), "nothing took the warehouse's place"
    assert SuppressionBook(shop.warehouse, "eu").accept_loss() == 2
    restore(shop.settings, backed_up)
    assert shop.query(NAMED) == [(3, 3, 1)], "which is what was accepted"


def test_a_lost_book_lets_nobody_in_and_is_written_anew(shop):
    subjects.erase(shop.settings, Subject(user_id="ann"), None)
    book = SuppressionBook(shop.warehouse, "eu")
    book.lines.path.unlink()
    assert any("lacks tombstones" in one for one in audit(shop.settings, lambda _: {}))
    shop.archive(page(messageId="m-1", userId="ann", context={}), start=100)
    shop.load()
    assert shop.fates()["suppressed"] == 1
    erasure.enforce(shop.settings, "eu")
    assert book.lines.path.is_file()
    for path in (book.lines.path, tombstone_memory.copy_of(shop.warehouse, "eu").path):
        path.unlink()
    shop.archive(page(messageId="m-5", userId="ann", context={}), start=200)
    with pytest.raises(ForgottenError, match="accept-loss --region eu"):
        shop.load()
    assert any("0 tombstones of erased persons, but 2 were made" in one for one in audit(shop.settings, lambda _: {}))


def test_the_audit_asks_for_the_tombstones_of_every_region_that_the_keys_know(shop):
    subjects.erase(shop.settings, Subject(user_id="ann"), None)
    shop.settings.region_file("eu").unlink()
    assert [one for one in audit(shop.settings, lambda _: {}) if "tombstones" in one] == []
    shutil.rmtree(shop.warehouse / "books" / "eu")
    assert any("in the warehouse lacks tombstones" in one for one in audit(shop.settings, lambda _: {}))
    tombstone_memory.copy_of(shop.warehouse, "eu").path.unlink()
    assert any("but 2 were made" in one for one in audit(shop.settings, lambda _: {}))


def test_the_audit_is_not_content_where_the_key_of_the_tombstones_is_gone(shop, monkeypatch):
    subjects.erase(shop.settings, Subject(user_id="ann"), None)
    keys = json.loads(key_file(shop.warehouse).read_text())["eu"]
    for name in ("pseudonym", "seal", "storage"):
        monkeypatch.setenv(f"ROMI_KEY_EU_{name.upper()}", keys.get(name, "33" * 32))
    key_file(shop.warehouse).unlink()
    assert any("whether erased persons are back" in one for one in audit(shop.settings, lambda _: {}))
