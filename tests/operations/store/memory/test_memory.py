"""Books, keys, the published version and the memory itself: what is lost is told, and by which command it is mended."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from operations.rights import subjects
from operations.rights.persons import Subject
from operations.store import versions
from operations.store.memory.findings import LostStateError
from operations.store.memory.keeping import remember_books
from operations.store.memory.published import at_start, findings
from operations.store.memory.remembered import lacking_places, mend_places, places, region_memory, warehouse_memory
from operations.store.rollback import rollback, unpin
from privacy.keys import key_file
from tests.ingestion import conftest
from tests.kit.prebuilt import copy_of
from tests.operations.marts import DAYS
from tests.operations.store.memory.damages import hide, lose, shorten, swap
from tests.operations.store.memory.shop import Shop

clock = conftest.clock


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop.ran(tmp_path)


def _run_twice(folder: Path) -> None:
    made = Shop.ran(folder)
    shutil.copyfile(places(made.settings)[0] / "eu.json", folder / "older.json")
    made.land(2)
    made.run(revenue=200)


@pytest.fixture
def twice(tmp_path) -> Shop:
    """A shop of two versions, with what was remembered of its region before the second beside it."""
    copy_of(_run_twice, tmp_path)
    return Shop(tmp_path)


@pytest.fixture
def book(shop):
    path = shop.write_book(1, 2)
    remember_books(shop.settings, "eu")
    return path


@pytest.mark.parametrize("damage", [lose, shorten, swap, hide])
def test_a_book_that_lacks_lines_stops_its_region_until_it_is_back(shop, book, damage):
    whole = book.read_bytes()
    damage(book)
    [found] = findings(shop.settings)
    assert (found.kind, found.region) == ("book", "eu")
    assert f"DIR/warehouse/books/eu/{book.name}" in found.mend
    assert at_start(shop.settings, ["eu"]).stopped == {"eu"}
    with pytest.raises(LostStateError, match="2 lines are remembered"):
        shop.ingest()
    shop.publish()
    assert shop.revenue() == dict.fromkeys(DAYS, 100)
    book.rmdir() if book.is_dir() else None
    book.write_bytes(whole)
    shop.run(revenue=200)
    assert shop.revenue() == dict.fromkeys(DAYS, 200)


def test_a_book_is_missed_at_once_after_the_command_that_wrote_it_and_a_lost_one_is_not_forgotten_by_the_next(shop):
    subjects.erase(shop.settings, Subject(user_id="nobody"), "eu")
    [book] = shop.settings.warehouse.glob("books/eu/requests.jsonl")
    book.unlink()
    for _ in range(2):
        [found] = findings(shop.settings)
        assert str(book) in found.what
        subjects.erase(shop.settings, Subject(user_id="nobody else"), "eu")  # begins the book anew


def test_a_book_that_has_grown_is_as_it_must_be(shop, book):
    shop.write_book(3)
    assert findings(shop.settings) == []
    with book.open("ab") as file:
        file.write(b'{"cut short')
    remember_books(shop.settings, "eu")
    assert region_memory(shop.settings, "eu").books["books/eu/requests.jsonl"].lines == 3


@pytest.mark.parametrize("given", ["33" * 32, ""])
def test_another_key_or_none_stops_its_region(shop, monkeypatch, given):
    monkeypatch.setenv("ROMI_KEY_EU_SEAL", given)
    [found] = findings(shop.settings)
    assert (found.kind, found.region) == ("key", "eu")
    with pytest.raises(LostStateError, match="the seal key of region eu"):
        shop.ingest()
    assert not given or given not in str(found)


@pytest.mark.parametrize("damage", ["folder gone", "cut", "other", "garbled"])
def test_nothing_is_published_over_a_version_that_is_damaged(twice, damage):
    marts = (twice.settings.published / "marts.duckdb").resolve()
    marts.chmod(0o600)
    if damage == "folder gone":
        shutil.rmtree(marts.parent)
    elif damage == "cut":
        marts.write_bytes(marts.read_bytes()[:9000])
    elif damage == "other":
        shutil.copyfile(versions.version_dir(twice.settings, 1) / "marts.duckdb", marts)
    else:
        marts.write_bytes(marts.read_bytes()[:-1] + b"\xff")
    with pytest.raises(LostStateError, match=r"versions/000002/.* missing or not what was published.*restore DIR"):
        twice.run(revenue=300)
    rollback(twice.settings, 1)
    unpin(twice.settings)
    done = twice.publish()
    assert (done.version, twice.revenue()) == (3, dict.fromkeys(DAYS, 300))
    assert findings(twice.settings) == []


@pytest.mark.parametrize("to", [None, 1])
def test_a_link_that_is_gone_or_shows_an_older_version_is_told_until_it_is_back(twice, to):
    twice.settings.published.unlink()
    if to:
        twice.settings.published.symlink_to("versions/000001")
    with pytest.raises(LostStateError, match=r"version 2 was published and is whole; `romi publish rollback 2`"):
        twice.publish()
    rollback(twice.settings, 2)
    assert findings(twice.settings) == []


@pytest.mark.parametrize("damage", [lose, lambda path: path.write_text("{")])
def test_a_pin_that_is_lost_keeps_what_it_pinned(twice, damage):
    rollback(twice.settings, 1)
    assert findings(twice.settings) == []
    damage(twice.settings.versions_dir / versions.PIN)
    with pytest.raises(LostStateError, match="romi publish rollback 1"):
        twice.run(revenue=300)
    assert twice.revenue() == dict.fromkeys(DAYS, 100)
    unpin(twice.settings)
    assert twice.publish() is not None


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("damage", ["gone", "cut", "older", "folder"])
def test_either_place_of_the_memory_is_mended_from_the_other(twice, place, damage):
    path = places(twice.settings)[place] / "eu.json"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(whole[:100])
    elif damage == "older":
        shutil.copyfile(twice.folder / "older.json", path)
    else:
        path.unlink()
        path.mkdir()
    assert lacking_places(twice.settings) == [path]
    assert region_memory(twice.settings, "eu").tip == 2
    if damage == "folder":
        assert mend_places(twice.settings) == []
        path.rmdir()
    assert mend_places(twice.settings) == [f"{path} was missing, damaged or older, and is back from its copy"]
    assert path.read_bytes() == whole
    assert path.stat().st_mode & 0o077 == 0
    assert lacking_places(twice.settings) == []


def test_the_loss_of_the_whole_warehouse_is_remembered_beside_the_keys(shop):
    shutil.rmtree(shop.warehouse)
    assert {one.kind for one in findings(shop.settings)} == {"missing_file", "version"}
    other = shop.settings.model_copy(update={"warehouse": shop.folder / "other"})
    assert findings(other) == [], "another warehouse of the same keys"


def test_the_memory_stands_beside_the_keys_file_that_is_named(shop, monkeypatch):
    monkeypatch.setenv("ROMI_KEY_FILE", str(shop.folder / "vault" / "keys"))
    assert places(shop.settings)[1].parent == key_file(shop.settings.warehouse).with_name("keys.memory")
    assert mend_places(shop.settings)
    assert warehouse_memory(shop.settings).published == 1


def test_lines_that_a_book_forgets_by_itself_are_not_lost(shop, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2027-01-20T12:00:00Z")
    shop.land(2)
    shop.run(revenue=130)  # what it confirms takes the place of what was confirmed months ago
    assert "2027" in (shop.settings.warehouse / "books/confirmed.jsonl").read_text()[:20]
    assert findings(shop.settings) == []
