import os
from pathlib import Path

import pytest

from ingestion.landing import discover, regions
from settings import Region, Settings, UnknownValueError, UsageError
from tests.ingestion.conftest import Zone


def names(zone, **settings):
    return [one.name for one in discover(zone.settings.model_copy(update=settings), "eu")]


def test_archives_are_found_by_topic_partition_and_offset(zone):
    (
        zone.archive(start=100),
        zone.archive(start=20),
        zone.archive(partition=10),
        zone.archive(partition=2),
        zone.archive(topic="app"),
    )
    found = discover(zone.settings, "eu")
    assert [(one.topic, one.partition, one.start_offset) for one in found] == [
        ("app", 0, 0), ("web", 0, 20), ("web", 0, 100), ("web", 2, 0), ("web", 10, 0)]  # fmt: skip


def test_a_time_partitioners_folders_may_stand_between(zone):
    zone.put("eu/events/topics/web/partition=0/year=2026/month=03/day=01/hour=00/web+0+0000000007.json.gz", b"")
    assert [(one.partition, one.start_offset) for one in discover(zone.settings, "eu")] == [(0, 7)]


@pytest.mark.parametrize("name", ["web+0+1.json.tmp", "web+0+1.json.part", ".web+0+1.json", "_web+0+1.json",
    "_SUCCESS", "web+0+1.txt",
                                  "web.json", "web+0.json", "web+x+1.json", "web+0+1",
                                  "web+0+99999999999999999999.json"])  # fmt: skip
def test_what_is_still_written_or_no_archive_is_not_there(zone, name):
    zone.put(f"eu/events/topics/web/partition=0/{name}", b"{}")
    assert names(zone) == []


@pytest.mark.parametrize("folder", [".hidden", "_temporary", "x.tmp", "x.part"])
def test_nothing_in_a_folder_that_is_still_written_is_there(zone, folder):
    zone.put(f"eu/events/topics/web/{folder}/web+0+1.json", b"{}")
    zone.put(f"eu/spend/google_ads/{folder}/a.csv", b"")
    zone.put(f"eu/ledger/{folder}/a.csv", b"")
    assert names(zone) == []


def test_rates_come_first_then_ledger_spend_and_events(zone):
    zone.archive()
    for name in (
        "eu/spend/google_ads/2026/b.csv",
        "eu/spend/meta_ads/a.CSV",
        "eu/ledger/x.csv",
        "fx/eurofxref-hist.csv",
    ):
        zone.put(name, b"")
    kinds = [one.kind for one in discover(zone.settings, "eu")]
    assert kinds == ["fx", "ledger", "spend", "spend", "events"]
    assert names(zone)[:2] == ["fx/eurofxref-hist.csv", "ledger/x.csv"]


def test_spend_outside_a_platforms_folder_is_nobodys(zone):
    zone.put("eu/spend/a.csv", b"")
    assert names(zone) == []


@pytest.mark.parametrize("name", ["it's", 'a"b', "a\nb", "a*b?[c]", "a b", "a+b", "ünï", "a\\b", "{a,b}", "%41"])
def test_odd_names_are_names(zone, name):
    zone.archive(topic=name)
    assert [one.topic for one in discover(zone.settings, "eu")] == [name]


def test_a_name_that_is_no_utf_8_can_be_told_and_kept(zone):
    path = Path(os.fsdecode(b"caf\xe9+0+0.json"))
    zone.put("eu/events/x", b"").rename(zone.landing / "eu" / "events" / path)
    assert names(zone) == ["events/caf\\xe9+0+0.json"]


def test_regions_are_the_folders_of_the_landing_zone(zone):
    for name in ("us", "fx", ".git", "_tmp", "x.tmp"):
        (zone.landing / name).mkdir()
    zone.put("README", b"")
    assert regions(zone.settings) == ["eu", "us"]


def test_a_folder_that_is_no_configured_region_is_an_error(tmp_path):
    zone = Zone(tmp_path, regions={"us": Region()})
    with pytest.raises(UnknownValueError, match="'eu'; known: us"):
        regions(zone.settings)


def test_a_folder_that_cannot_name_a_region_is_an_error(zone):
    (zone.landing / "a b").mkdir()
    with pytest.raises(UsageError, match="cannot name a region"):
        regions(zone.settings)


def test_a_landing_zone_without_regions_or_none_at_all_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no region's folder"):
        regions(Settings(landing=str(tmp_path / "empty")))
    with pytest.raises(UsageError, match="no landing zone at"):
        regions(Settings(landing=str(tmp_path / "none")))
    with pytest.raises(UsageError, match="a folder or s3://"):
        regions(Settings(landing="ftp://host/prefix"))
    with pytest.raises(UsageError, match="belong in the environment"):
        regions(Settings(landing="s3://key:secret@bucket/prefix"))
