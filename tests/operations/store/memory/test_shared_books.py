"""The books of no region: missed right after they were written, and not forgotten by what is remembered next."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from operations.backups.backup_places import BOOK as BACKUPS
from operations.backups.restore import restore
from operations.backups.verified_backup import back_up_and_try
from operations.incidents import book as incidents
from operations.store.memory.published import findings
from tests.ingestion import conftest
from tests.operations.store.memory.damages import hide, lose, shorten, swap
from tests.operations.store.memory.shop import Shop

clock = conftest.clock


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop.ran(tmp_path)


@pytest.mark.parametrize("damage", [lose, shorten, swap, hide])
def test_the_book_of_backups_is_missed_right_after_a_backup_and_no_version_hides_the_loss(shop, damage):
    for _ in range(2):
        back_up_and_try(shop.settings, trial=False)
    book = shop.warehouse / BACKUPS
    whole = book.read_bytes()
    damage(book)
    for number in (2, 3):
        [found] = findings(shop.settings)
        assert f"{book} " in found.what
        assert "accept-loss --published" in found.mend
        shop.land(number)
        shop.run(revenue=100 * number)
    book.rmdir() if book.is_dir() else None
    book.write_bytes(whole)
    assert findings(shop.settings) == []


def test_a_book_of_incidents_that_is_lost_and_begun_anew_is_missed(shop):
    for number in (1, 2):
        with incidents.writing(shop.settings):
            incidents.enter(shop.settings, [incidents.line_of(number, "opened")])
    lose(shop.warehouse / incidents.BOOK)
    with incidents.writing(shop.settings):
        incidents.enter(shop.settings, [incidents.line_of(3, "opened")])
    [found] = findings(shop.settings)
    assert "incidents.jsonl has 1 lines; 2 lines are remembered" in found.what


def test_a_backup_that_replaces_a_lost_disk_does_not_miss_its_own_line_in_the_book_of_backups(shop):
    made = back_up_and_try(shop.settings, trial=False)
    shutil.rmtree(shop.warehouse)
    assert restore(shop.settings, Path(made.folder)).notes == ()
    assert findings(shop.settings) == []


def test_a_backup_that_replaces_a_lost_disk_tells_of_the_backups_that_were_made_after_it(shop):
    made, *_ = [back_up_and_try(shop.settings, trial=False) for _ in range(3)]
    shutil.rmtree(shop.warehouse)
    [note] = restore(shop.settings, Path(made.folder)).notes
    assert note == "all: books/backups.jsonl lists 2 backups no more that were made after this one"
    assert findings(shop.settings) == []
