"""What happens to an archive: it comes twice, overlaps, leaves a hole, changes, or goes away again."""

import pytest

from ingestion.books import region_file
from ingestion.gaps import known_loss
from ingestion.landing import discover
from ingestion.seen import seen
from operations.status import write_snapshot
from settings import Topic
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import page


def pages(*numbers):
    return [page(messageId=f"m-{n}") for n in numbers]


def loss(zone):
    with region_file(zone.settings, "eu", read_only=True) as con:
        return {(one["topic"], one["partition"]): one["records"] for one in known_loss(con)}


def gone(zone) -> int:
    with region_file(zone.settings, "eu", read_only=True) as con:
        return len(seen(con).vanished(discover(zone.settings, "eu")))


def test_an_overlap_is_redelivery_and_no_loss(zone):
    zone.archive(*pages(0, 1, 2))
    zone.archive(*pages(1, 2, 3), start=1)
    zone.archive(*pages(4), start=4)
    zone.load()
    assert zone.fates() == {"read": 7, "loaded": 5, "duplicate": 2}
    assert loss(zone) == {}


def test_the_same_records_under_other_offsets_are_duplicates(zone):
    zone.archive(*pages(0, 1))
    zone.archive(*pages(0, 1), start=2)
    zone.load()
    assert zone.fates() == {"read": 4, "loaded": 2, "duplicate": 2}
    assert loss(zone) == {}


def test_an_archive_under_another_name_is_read_and_adds_nothing(zone):
    path = zone.archive(*pages(0, 1))
    zone.load()
    zone.put("eu/events/topics/web/partition=0/year=2026/web+0+0000000000.json", path.read_bytes())
    zone.load()
    assert zone.fates() == {"read": 4, "loaded": 2, "duplicate": 2}
    assert loss(zone) == {}


def test_a_hole_is_counted_by_topic_and_partition_until_it_is_filled(zone):
    zone.archive(*pages(0, 1), start=10)  # what came before the first archive is no hole
    zone.archive(*pages(5), start=15)
    zone.archive(*pages(9), start=19)
    zone.archive(*pages(20), partition=1)
    zone.archive(*pages(21), partition=1, start=4)
    zone.load()
    assert loss(zone) == {("web", 0): 6, ("web", 1): 3}
    zone.archive(*pages(2, 3, 4), start=12)
    zone.load()
    assert loss(zone) == {("web", 0): 3, ("web", 1): 3}


def test_records_that_were_dead_letters_are_no_hole(zone):
    zone.archive(*pages(0), "{", b"\xff")
    zone.archive(*pages(3), start=3)
    zone.load()
    assert loss(zone) == {}


@pytest.mark.parametrize("layout", ["rudderstack", "segment"])
def test_a_layout_without_offsets_has_no_known_loss(tmp_path, layout):
    zone = Zone(tmp_path, topics={"s": Topic(layout=layout)})
    folder = {"rudderstack": "rudder-logs", "segment": "segment-logs"}[layout]
    for n in (1, 5, 9):
        zone.put(f"eu/events/{folder}/s/2026-03-01/{n}.json", b'{"messageId": "x"}\n' * n)
    zone.load()
    assert zone.fates() == {"read": 15, "dead_letter": {"missing_field": 15}}
    assert loss(zone) == {}


def test_an_archive_that_grew_brings_what_is_new_of_it(zone):
    zone.archive(*pages(0, 1))
    zone.load()
    zone.archive(*pages(0, 1, 2, 3))
    zone.load()
    assert zone.fates() == {"read": 6, "loaded": 4, "duplicate": 2}
    zone.archive(*pages(4), start=4)
    zone.load()
    assert loss(zone) == {}


def test_an_archive_that_shrank_takes_nothing_back(zone):
    zone.archive(*pages(0, 1, 2))
    zone.load()
    zone.archive(*pages(0))
    zone.load()
    assert zone.fates() == {"read": 4, "loaded": 3, "duplicate": 1}
    assert zone.query("select count(*) from raw.events") == [(3,)]


def test_an_archive_that_vanished_stays_in_the_books_and_is_counted(zone):
    path = zone.archive(*pages(0, 1))
    zone.archive(*pages(2), start=2)
    zone.load()
    before = zone.tables()
    assert gone(zone) == 0
    path.unlink()
    assert zone.load().archives == 0
    assert zone.tables() == before
    assert gone(zone) == 1


def test_the_status_names_holes_strays_and_how_many_files_vanished(zone):
    first = zone.archive(*pages(0))
    zone.archive(*pages(5), start=5)
    zone.put("eu/events/readme.txt", b"")
    zone.load()
    first.unlink()
    with region_file(zone.settings, "eu") as con:
        backlog = write_snapshot(con, zone.settings, "eu")["backlog"]
    assert backlog["known_loss"] == [{"topic": "web", "partition": 0, "records": 4}]
    assert (backlog["vanished"], backlog["unreadable_names"]) == (1, ["events/readme.txt"])
