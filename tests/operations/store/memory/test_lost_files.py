"""A region's file that is gone, new, older or damaged: the region stops, unless all of it was loaded again."""

from __future__ import annotations

import shutil
from contextlib import suppress

import pytest

from ingestion.books import region_file
from operations.rights import subjects
from operations.rights.persons import Subject
from operations.store.memory import keeping, remembered
from operations.store.memory.accepting import accept
from operations.store.memory.findings import LostStateError, of_region
from operations.store.memory.published import at_start, findings
from operations.store.memory.remembered import region_memory
from settings import Region
from tests.ingestion import conftest
from tests.kit.examples import some
from tests.operations.marts import DAYS
from tests.operations.store.memory.shop import Shop

clock = conftest.clock


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop.ran(tmp_path, archives=2)


def kinds(shop: Shop) -> list[str]:
    return [one.kind for one in findings(shop.settings)]


def test_nothing_is_missing_after_a_run_and_a_second_one_writes_nothing(shop):
    assert findings(shop.settings) == []
    before = region_memory(shop.settings, "eu")
    assert before is not None
    assert (before.records, before.tip, before.worth.orders, before.worth.revenue) == (6, 2, 3, 300)
    shop.ingest()
    shop.publish()
    assert region_memory(shop.settings, "eu") == before


def test_a_file_that_is_gone_after_its_archives_stops_its_region_and_its_last_rows_stay(shop):
    shop.file.unlink()
    shop.prune(1)
    [found] = findings(shop.settings)
    assert found.kind == "missing_file"
    assert "3 orders, 300.00" in found.what
    with pytest.raises(LostStateError, match=r"1 files with 3 records are not in it .*accept-loss --region eu"):
        shop.ingest()
    shop.land(3)
    with pytest.raises(LostStateError, match="not, but a new one in the place of"):
        shop.ingest()
    shop.publish()
    assert shop.revenue() == dict.fromkeys(DAYS, 100)
    assert kinds(shop) == ["new_file"]


def test_a_file_that_is_gone_is_loaded_again_while_its_archives_are_there(shop):
    shop.file.unlink()
    start = at_start(shop.settings, ["eu"])
    assert (start.stopped, list(start.may_load_again), start.lines) == (frozenset(), ["eu"], [])
    assert at_start(shop.settings, []).stopped == {"eu"}
    shop.run()
    assert findings(shop.settings) == []
    assert shop.revenue() == dict.fromkeys(DAYS, 100)


def test_a_file_that_is_gone_after_an_erasure_stops_its_region_though_its_archives_are_there(shop):
    """Their orders would lose what is credited for them."""
    subjects.erase(shop.settings, Subject(anonymous_id="a-1"), "eu")
    whole = shop.file.read_bytes()
    shop.file.unlink()
    start = at_start(shop.settings, ["eu"])
    assert (start.stopped, start.may_load_again) == ({"eu"}, {})
    with pytest.raises(LostStateError, match=r"persons who were erased, .*\(unattributed\).*accept-loss --region eu"):
        shop.ingest()
    shop.publish()
    assert shop.revenue() == dict.fromkeys(DAYS, 100)
    shop.file.write_bytes(whole)
    shop.run(revenue=200)
    assert shop.revenue() == dict.fromkeys(DAYS, 200)


def test_a_file_that_is_gone_after_an_erasure_is_loaded_again_once_the_loss_is_accepted(shop):
    subjects.erase(shop.settings, Subject(anonymous_id="a-1"), "eu")
    shop.file.unlink()
    accept(shop.settings, "eu", "ann")
    shop.run(revenue=200)
    assert findings(shop.settings) == []
    assert shop.revenue() == dict.fromkeys(DAYS, 200)


@pytest.mark.parametrize("is_copied_before", [True, False])
def test_an_older_copy_is_loaded_again_only_where_it_was_made_after_the_last_erasure(shop, tmp_path, is_copied_before):
    copy = tmp_path / "older"
    if is_copied_before:
        shutil.copyfile(shop.file, copy)
    subjects.erase(shop.settings, Subject(anonymous_id="a-1"), "eu")
    if not is_copied_before:
        shutil.copyfile(shop.file, copy)
    shop.land(3)
    shop.run()
    shutil.copyfile(copy, shop.file)
    assert at_start(shop.settings, ["eu"]).stopped == ({"eu"} if is_copied_before else frozenset())
    if is_copied_before:
        for _ in range(2):
            with pytest.raises(LostStateError, match="persons who were erased"):
                shop.ingest()
        accept(shop.settings, "eu", "ann")
    shop.ingest()
    assert findings(shop.settings) == []


def test_records_that_are_too_old_by_now_are_not_loaded_again(shop, monkeypatch):
    shop.file.unlink()
    monkeypatch.setenv("ROMI_NOW", "2028-03-01T00:00:00Z")
    with pytest.raises(LostStateError, match="6 records came too late"):
        shop.ingest()


def test_an_older_copy_is_not_taken_for_whole_when_new_archives_come_up_to_its_count(shop, tmp_path):
    older = shutil.copyfile(shop.file, tmp_path / "older")
    shop.land(3)
    shop.run()
    shutil.copyfile(older, shop.file)
    shop.prune(3)
    assert kinds(shop) == ["older_file"]
    shop.land(4)
    for _ in range(2):
        with pytest.raises(LostStateError, match="is an older copy of the file"):
            shop.ingest()
    shop.land(3)
    shop.ingest()
    assert findings(shop.settings) == []


def test_a_damaged_file_is_named_with_what_mends_it(shop):
    shop.file.write_bytes(shop.file.read_bytes()[:5000])
    with pytest.raises(LostStateError, match=r"cannot be opened.*romi restore DIR"):
        shop.ingest()
    assert shop.publish() is not None, "its rows are carried over, and no longer final"
    assert shop.revenue() == dict.fromkeys(DAYS, 100)


def test_a_region_that_was_renamed_is_not_counted_twice(tmp_path):
    regions = {"eu": Region(), "us": Region()}
    shop = Shop.ran(tmp_path, regions=tuple(regions))
    (shop.landing / "eu").rename(shop.landing / "europe")
    renamed = Shop(tmp_path, "europe", regions={"europe": Region(), "us": Region()})
    with pytest.raises(LostStateError, match="1 of its files with 3 records are in the books of region eu"):
        renamed.ingest()
    assert not renamed.file.exists()
    assert [(one.region, one.kind) for one in findings(renamed.settings)] == [("eu", "removed")]
    renamed.publish()
    assert shop.revenue() == dict.fromkeys(DAYS, 100)


def renamed_and_grown(tmp_path, name, **regions) -> Shop:
    """A region that was renamed while upstream wrote its files anew, longer, under the names that they had."""
    shop = Shop.ran(tmp_path)
    [path] = shop.landing.rglob("*.json")
    path.write_text(path.read_text() + path.read_text().replace("m-1-", "m-9-"))
    (shop.landing / "eu").rename(shop.landing / "europe")
    return Shop(tmp_path, name, **regions)


@pytest.mark.parametrize("is_configured", [True, False])
def test_a_region_that_was_renamed_and_whose_files_have_grown_is_not_counted_twice(tmp_path, is_configured):
    shop = renamed_and_grown(tmp_path, "europe", **({"regions": {"europe": Region()}} if is_configured else {}))
    where = "in the configuration" if is_configured else "in the landing zone"
    for _ in range(2):
        with pytest.raises(LostStateError, match=rf"1 of its files have the names .* eu is not {where} any more"):
            shop.ingest()
    assert not shop.file.exists()
    accept(shop.settings, "europe", "ann")
    shop.ingest()
    assert shop.file.exists()


@pytest.mark.parametrize("how", ["given up", "both there"])
def test_a_new_region_with_the_names_of_another_loads_where_that_one_was_given_up_or_is_there(tmp_path, how):
    regions = {"europe": Region()} | ({"eu": Region()} if how == "both there" else {})
    shop = renamed_and_grown(tmp_path, "europe", regions=regions)
    if how == "given up":
        accept(shop.settings, "eu", "ann")
    shop.ingest()
    assert shop.file.exists()


def test_what_was_published_of_a_region_stays_though_its_file_and_its_configuration_are_gone(tmp_path):
    shop = Shop.ran(tmp_path, regions=("eu", "us"))
    shop.file.unlink()
    without = Shop(tmp_path, "us", regions={"us": Region()})
    without.run()
    assert shop.revenue() == dict.fromkeys(DAYS, 100)
    assert {one.kind for one in of_region(without.settings, "eu")} == {"removed", "missing_file"}


@pytest.mark.parametrize("at", some([3, 0, 1, 2, 4, 5], fast=1))
def test_a_kill_before_any_write_of_the_memory_raises_no_false_alarm(tmp_path, monkeypatch, at):
    shop, real, written = Shop(tmp_path), remembered.write_json, 0

    def write_or_die(path, value):
        nonlocal written
        written += 1
        if written > at:
            raise KeyboardInterrupt
        real(path, value)

    with monkeypatch.context() as killed, suppress(KeyboardInterrupt):
        killed.setattr(remembered, "write_json", write_or_die)
        for number in (2, 3, 4):
            shop.land(number)
            shop.run(revenue=100 * number)
    assert written == at + 1
    assert [one for one in findings(shop.settings) if one.kind != "missing_file"] == []
    shop.run(revenue=700)
    assert findings(shop.settings) == []
    assert shop.revenue() == dict.fromkeys(DAYS, 700)


def test_a_file_of_before_the_memory_is_remembered_with_its_next_load(shop):
    for place in remembered.places(shop.settings):
        shutil.rmtree(place)
    with region_file(shop.settings, "eu") as con:
        con.execute("delete from ops.meta where key = 'identity'")
    assert findings(shop.settings) == []
    shop.run()
    assert findings(shop.settings) == []
    assert keeping.region_memory(shop.settings, "eu").records == 6
