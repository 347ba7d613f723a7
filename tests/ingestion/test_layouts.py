"""Archives as RudderStack and Segment lay them out themselves, and what no reader takes."""

import gzip
import json

import pytest

from ingestion.landing import NO_PARTITION, discover
from ingestion.strays import strays
from settings import Topic
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import page

RUDDER = "rudder-logs/src1/2026-03-01/1772359200.src1.0f8fad5b-d9cb-469f-a165-70867728950e.json.gz"
SEGMENT = "segment-logs/src1/1772323200000/1772359200123.a.b.gz"
WHERE = ["eu/events", "eu/events/topics/src1", "eu/events/any"]


def packed(*records) -> bytes:
    return gzip.compress(b"".join(json.dumps(record).encode() + b"\n" for record in records))


def landed(tmp_path, layout: str, name: str) -> Zone:
    zone = Zone(tmp_path, topics={"src1": Topic(layout=layout)})
    zone.put(name, packed(page()))
    return zone


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(("layout", "name"), [("rudderstack", RUDDER), ("segment", SEGMENT)])
def test_the_source_is_the_topic_and_there_are_no_offsets(tmp_path, where, layout, name):
    zone = landed(tmp_path, layout, f"{where}/{name}")
    assert [(one.topic, one.partition, one.start_offset) for one in discover(zone.settings, "eu")] == [
        ("src1", NO_PARTITION, 0)
    ]
    zone.load()
    assert zone.fates() == {"read": 1, "loaded": 1}


@pytest.mark.parametrize(
    ("layout", "name"),
    [("kafka_connect", RUDDER), ("kafka_connect", SEGMENT), ("rudderstack", SEGMENT), ("segment", RUDDER),
     ("rudderstack", "topics/src1/partition=0/src1+0+0.json.gz"), ("rudderstack", "rudder-logs/src1/x.txt"),
     ("rudderstack", "rudder-logs/x.json.gz")],
)  # fmt: skip
def test_a_file_of_another_layout_than_its_topics_is_a_stray(tmp_path, layout, name):
    zone = landed(tmp_path, layout, f"eu/events/{name}")
    assert (discover(zone.settings, "eu"), strays(zone.settings, "eu")) == ([], [f"events/{name}"])


def test_a_file_that_no_reader_takes_is_named_and_one_still_written_is_not(zone):
    taken = ["events/web+0+0.json", "spend/google_ads/a.csv", "ledger/a.PARQUET", "spend/x/a.xlsx", "ledger/a.json"]
    not_taken = ["events/web+0+0.avro", "events/web.json", "spend/a.csv", "spend/x/a.pdf", "ledger/a.doc"]
    not_there = ["events/web+0+1.json.tmp", "events/_SUCCESS", "ledger/.a.swp", "spend/x/b.csv.part"]
    for name in (*taken, *not_taken, *not_there):
        zone.put(f"eu/{name}", b"")
    assert sorted(one.name for one in discover(zone.settings, "eu")) == sorted(taken)
    assert sorted(strays(zone.settings, "eu")) == sorted(not_taken)
