import os
from pathlib import Path

import pytest

from ingestion.books import region_file
from ingestion.landing import discover, regions
from ingestion.strays import not_files, strays
from ingestion.zone import file_sha256
from operations.incidents import run_warnings
from operations.landed_files import findings
from operations.status import write_snapshot
from settings import Region, Settings, TransientError, UnknownValueError, UsageError, now
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import page


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


def test_files_whose_stamps_are_known_can_be_passed_over(zone):
    zone.archive(start=1), zone.archive(start=2)
    first, second = discover(zone.settings, "eu")
    known = {first.name: (first.size, first.mtime_ns), second.name: (second.size, second.mtime_ns - 1)}
    assert discover(zone.settings, "eu", known) == [second]


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


def test_a_link_that_leaves_the_landing_zone_is_refused_and_named(zone, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"password": "x"}\n')
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "web+0+0.json").write_text("{}\n")
    own = zone.archive()
    for name in ("events/topics/web/partition=0/web+0+5.json", "ledger/a.csv", "spend/google_ads/a.csv"):
        zone.put(f"eu/{name}", b"").unlink()
        (zone.landing / "eu" / name).symlink_to(secret)
    (zone.landing / "eu/events/elsewhere").symlink_to(tmp_path / "folder")
    (zone.landing / "eu/events/up").symlink_to("../../../secret.json")
    (zone.landing / "eu/events/.hidden").symlink_to(secret)
    (zone.landing / "us").symlink_to(tmp_path / "folder")
    (zone.landing / "fx").symlink_to(tmp_path / "folder")
    assert [str(one.path) for one in discover(zone.settings, "eu")] == [str(own)]
    assert regions(zone.settings) == ["eu"]
    assert list(not_files(zone.settings, "eu")) == [
        "eu/events/elsewhere", "eu/events/topics/web/partition=0/web+0+5.json", "eu/events/up", "eu/ledger/a.csv",
        "eu/spend/google_ads/a.csv",
    ]  # fmt: skip
    assert not_files(zone.settings) == {"fx": True, "us": True}
    assert all(not_files(zone.settings, "eu").values())


@pytest.mark.parametrize("kind", ["events", "ledger", "spend"])
def test_a_folder_of_a_region_that_is_a_link_outside_is_named(zone, tmp_path, kind):
    (tmp_path / "away").mkdir()
    (zone.landing / "eu" / kind).symlink_to(tmp_path / "away")
    assert not_files(zone.settings, "eu") == {f"eu/{kind}": True}
    assert discover(zone.settings, "eu") == []


def test_links_within_the_landing_zone_are_followed_and_circles_are_not(zone):
    zone.archive(topic="app")
    kept = zone.put("eu/kept/x", b"date\n")
    zone.put("eu/spend/google_ads/a.csv", b"").unlink()
    (zone.landing / "eu/spend/google_ads/a.csv").symlink_to(kept)
    (zone.landing / "eu/events/topics/web").symlink_to("app")
    (zone.landing / "eu/events/topics/app/again").symlink_to("..")
    (zone.landing / "eu/events/broken").symlink_to("nowhere")
    found = discover(zone.settings, "eu")
    assert [one.name.removeprefix("events/topics/") for one in found] == [
        "spend/google_ads/a.csv", "app/partition=0/app+0+0000000000.json", "web/partition=0/app+0+0000000000.json",
    ]  # fmt: skip
    assert found[0].path.open("rb").read() == b"date\n"
    assert not_files(zone.settings, "eu") == {"eu/events/broken": False}
    assert not_files(zone.settings) == {}


@pytest.mark.parametrize("swapped", ["eu/events/topics/web/partition=0/web+0+0000000000.json", "eu/events/topics"])
def test_no_link_is_followed_that_comes_after_the_look(zone, tmp_path, swapped):
    zone.archive()
    [landed] = discover(zone.settings, "eu")
    (zone.landing / swapped).rename(tmp_path / "moved")
    (zone.landing / swapped).symlink_to(tmp_path / "moved")
    with pytest.raises(OSError):
        landed.path.open("rb")
    with pytest.raises(TransientError, match="cannot be read"):
        file_sha256(landed.path)


def test_what_is_no_file_any_more_does_not_hold_the_reader(zone):
    path = zone.archive()
    [landed] = discover(zone.settings, "eu")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError):
        landed.path.open("rb")


def test_a_run_and_the_status_name_what_is_no_file_and_files_beside_the_regions(zone):
    zone.archive(page())
    (zone.landing / "eu/ledger").mkdir()
    (zone.landing / "eu/ledger/orders.csv").symlink_to("lost.csv")
    (zone.landing / "fx").mkdir()
    (zone.landing / "fx/eurofxref-hist.csv").symlink_to("lost.csv")
    os.mkfifo(zone.landing / "eu/events/topics/web/partition=0/web+0+0000000005.json")
    zone.put("orders.csv", b"order_id\n")
    zone.put("eu/orders.csv", b"order_id\n")
    zone.load()
    told = run_warnings.warnings(zone.settings, {"eu": 0})
    belongs = "a file belongs in a region's folder: <region>/events, <region>/spend/<platform> or <region>/ledger"
    no_file = "is not read: it is a link that leads nowhere, a pipe, a socket or a device"
    assert told == [
        f"eu: eu/events/topics/web/partition=0/web+0+0000000005.json {no_file}", f"eu: eu/ledger/orders.csv {no_file}",
        f"eu: orders.csv is not read: {belongs}", f"fx/eurofxref-hist.csv {no_file}",
        f"orders.csv is not read: {belongs}",
    ]  # fmt: skip
    with region_file(zone.settings, "eu") as con:
        assert write_snapshot(con, zone.settings, "eu")["backlog"]["unreadable_names"] == [
            "orders.csv", "events/topics/web/partition=0/web+0+0000000005.json", "ledger/orders.csv",
        ]  # fmt: skip


def test_a_run_names_links_that_lead_outside(zone, tmp_path):
    zone.archive(page())
    (zone.landing / "eu/ledger").symlink_to(tmp_path)
    (zone.landing / "us").symlink_to(tmp_path)
    zone.load()
    assert run_warnings.warnings(zone.settings, {"eu": 0}) == [
        "eu: the link eu/ledger leads out of the landing zone, so it is not followed",
        "the link us leads out of the landing zone, so it is not followed",
    ]


@pytest.mark.parametrize("name", ["eu/events/web+0+1.json.part", "eu/ledger/x.tmp/orders.csv", "fx/rates.tmp"])
def test_what_somebody_began_to_write_and_forgot_is_told_after_a_day(zone, name):
    path, region = zone.put(name, b"{}"), "eu" if name.startswith("eu") else None
    written = now().timestamp()
    os.utime(path, (written, written - 86_000))
    assert list(findings.ignored_files(zone.settings, region)) == []
    os.utime(path, (written, written - 87_000))
    [line] = findings.ignored_files(zone.settings, region)
    assert line.startswith(f"{name.removeprefix('eu/')} is not read: it is called as what is still being written")
    assert names(zone) == []


def test_names_of_an_editor_or_a_file_system_are_not_told_however_old_they_are(zone):
    for name in ("eu/events/.web+0+1.json.swp", "eu/ledger/_SUCCESS", "eu/spend/.DS_Store"):
        os.utime(zone.put(name, b""), (0, 0))
    assert strays(zone.settings, "eu") == []
