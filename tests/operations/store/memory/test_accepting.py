"""`romi accept-loss`: what is given up is booked, stays booked, and stops nothing any more."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal

import pytest

from ingestion.books import region_file
from operations.store.held_steps import are_held, let_go_of_built
from operations.store.memory.accepting import accept
from operations.store.memory.findings import of_region
from operations.store.memory.published import findings
from operations.store.memory.remembered import region_memory, warehouse_memory
from privacy.suppression import Tombstone
from privacy.suppression_book import SuppressionBook
from privacy.tombstone_memory import copy_of
from settings import Region, UsageError
from tests.ingestion import conftest
from tests.ingestion.strategies import NOW
from tests.operations.marts import DAYS
from tests.operations.store.memory.shop import Shop

clock = conftest.clock
LOSSES = "select accepted_by, archives, records, orders, revenue from ops.losses"


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop.ran(tmp_path, regions=("eu", "us"))


def test_nothing_is_given_up_where_nothing_is_missing(shop):
    for region in ("eu", "us", None):
        with pytest.raises(UsageError, match="nothing is missing"):
            accept(shop.settings, region, "ann")


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_a_lost_file_is_booked_with_what_it_was_worth_and_a_new_one_begins(shop, damage):
    shop.prune(1)
    shop.file.unlink() if damage == "gone" else shop.file.write_bytes(b"x" * 5000)
    loss = accept(shop.settings, "eu", "ann")
    assert (loss.archives, loss.records, loss.orders, loss.revenue) == (1, 3, 3, Decimal(300))
    assert findings(shop.settings) == []
    assert not shop.file.exists()
    shop.land(2)
    shop.ingest()
    assert shop.query(LOSSES) == [("ann", 1, 3, 3, 300)]
    shop.file.unlink()
    shop.ingest()
    assert shop.query(LOSSES) == [("ann", 1, 3, 3, 300)], "it is remembered beside the file"


def test_what_a_new_file_lacks_is_booked_and_it_is_published_from_then_on(shop):
    shop.file.unlink()
    shop.prune(1)
    shop.land(2, records=2)
    with pytest.raises(Exception, match="accept-loss"):
        shop.ingest()
    assert accept(shop.settings, "eu", "ann").records == 3
    shop.run(revenue=70)
    assert shop.revenue() == dict.fromkeys(DAYS, 70)
    assert region_memory(shop.settings, "eu").losses[0].accepted_by == "ann"


def test_books_keys_and_a_closed_region_are_given_up_with_the_rest(shop, monkeypatch):
    book = shop.write_book(1, 2)
    shop.run()
    book.unlink()
    monkeypatch.setenv("ROMI_KEY_EU_SEAL", "33" * 32)
    closed = Shop(shop.folder, regions={"us": Region()})
    assert {one.kind for one in of_region(closed.settings, "eu")} == {"removed", "book", "key"}
    loss = accept(closed.settings, "eu", "ann")
    assert (loss.orders, loss.revenue) == (0, 0)
    assert findings(closed.settings) == []
    closed.publish()
    assert shop.revenue() == dict.fromkeys(DAYS, 100)


def test_files_that_belong_to_two_regions_are_loaded_in_both_once_somebody_says_so(shop):
    other = Shop(shop.folder, "us", regions={"eu": Region(), "us": Region()})
    shutil.copytree(shop.landing / "eu", shop.landing / "us", dirs_exist_ok=True)
    accept(other.settings, "us", "ann")
    other.ingest()
    assert other.query("select count(*) from raw.events") == [(3,)]


def test_tombstones_that_are_lost_in_both_places_are_given_up_by_name(shop):
    book = SuppressionBook(shop.warehouse, "eu")
    book.add(book.key(), [Tombstone("ab" * 16, NOW, "r-1")])
    book.lines.path.unlink()
    copy_of(shop.warehouse, "eu").path.unlink()
    assert "1 were made" in accept(shop.settings, "eu", "ann").what
    assert SuppressionBook(shop.warehouse, "eu").load() is None


def test_a_lost_version_is_published_anew_from_the_regions_files_under_a_new_number(shop):
    for path in (shop.settings.versions_dir / "000001").rglob("*"):
        path.unlink() if path.name == "marts.duckdb" else None
    accept(shop.settings, None, "ann")
    assert not shop.settings.published.exists()
    done = shop.publish()
    assert (done.version, shop.revenue()) == (2, dict.fromkeys(DAYS, 100))
    assert [one.accepted_by for one in warehouse_memory(shop.settings).losses] == ["ann"]
    assert findings(shop.settings) == []


def test_an_older_copy_is_worth_the_orders_that_it_lacks(shop, tmp_path):
    older = shutil.copyfile(shop.file, tmp_path / "older")
    shop.land(2)
    shop.run(revenue=150)
    shutil.copyfile(older, shop.file)
    loss = accept(shop.settings, "eu", "ann")
    assert (loss.archives, loss.records, loss.orders, loss.revenue) == (1, 3, 0, 150)
    with region_file(shop.settings, "eu", read_only=True) as con:
        assert are_held(con, DAYS[0], DAYS[-1])
        assert con.execute("select accepted_at from ops.losses").fetchall() == [(NOW,)]


def test_steps_are_held_in_an_older_file_that_was_loaded_again_until_its_days_are_built(shop, tmp_path):
    older = shutil.copyfile(shop.file, tmp_path / "older")
    shop.land(2)
    shop.run(revenue=150)
    shutil.copyfile(older, shop.file)
    shop.ingest()
    with region_file(shop.settings, "eu") as con:
        assert are_held(con, DAYS[0], DAYS[-1])
        con.execute("insert into ops.pending_days (day, reason) values (date '2026-03-02', 'loaded')")
        let_go_of_built(con)
        assert are_held(con, date(2026, 3, 1), date(2026, 3, 1))
        assert not are_held(con, date(2026, 4, 1), date(2026, 4, 30))
        con.execute("delete from ops.pending_days")
        let_go_of_built(con)
        assert not are_held(con, date(2026, 3, 1), date(2026, 3, 1))


def test_steps_are_not_held_in_a_file_that_nothing_was_published_after(shop):
    shop.ingest()
    with region_file(shop.settings, "eu", read_only=True) as con:
        assert not are_held(con, DAYS[0], DAYS[-1])
