"""Loading a region: each record has one fate, and the same is kept in whatever order it comes."""

import gzip
import json
import os
import random
import shutil
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.books import meta, region_file
from ingestion.load import Progress, load_region
from ingestion.records import REASONS
from privacy.keys import region_key
from privacy.pseudonyms import pseudonym
from privacy.sealing import unseal
from settings import Attribution, Conversion, Region, Topic, UsageError
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import NOW, experiment, lines, order, page
from tests.kit.examples import examples

SETTINGS = settings(max_examples=examples(20, fast=5), deadline=None, suppress_health_check=list(HealthCheck))


def pages(*ids, **changes):
    return [page(messageId=f"m-{n}", **changes) for n in ids]


def test_every_fate_and_every_reason_is_counted(zone):
    nobody = {"context": {"consent": {"categoryPreferences": {"Analytics": False}}}}
    bot = {"context": page()["context"] | {"userAgent": "Googlebot/2.1"}}
    fine = order(messageId="o-1")
    zone.archive(
        *pages(1, 1, 2), *pages(3, **nobody), *pages(4, **bot), *pages(5, timestamp="2020-01-01T00:00:00Z"), fine,
        order(messageId="o-2", **nobody), "x" * (1 << 20) + "y", b"\xff", "{", page(messageId=None), page(userId=5.5),
            page(timestamp="today"),
        page(timestamp="2026-03-20T00:00:00Z"), fine | {"properties": fine["properties"] | {"revenue": "-1"}},
        fine | {"properties": fine["properties"] | {"currency": "XXQ"}}, "", "  ",
    )  # fmt: skip
    assert zone.load().records == 17
    assert zone.fates() == {
        "read": 17, "loaded": 3, "anonymised": 1, "duplicate": 1, "no_consent": 1, "bot": 1, "expired": 1,
        "dead_letter": dict.fromkeys(REASONS, 1)}  # fmt: skip


def test_a_dead_letter_has_its_place_its_reason_and_its_payload_sealed(zone):
    zone.archive(page(), "{jane", page(userId=5.5))
    zone.load()
    with region_file(zone.settings, "eu", read_only=True) as con:
        rows = con.execute(
            "select record_offset, reason, payload, first_seen_at from ops.dead_letters order by all"
        ).fetchall()
        name = con.execute("select name from ops.archives").fetchone()[0]
    key = region_key(zone.settings.warehouse, "eu", "seal")
    assert [(offset, reason) for offset, reason, *_ in rows] == [(1, "malformed_json"), (2, "invalid_type")]
    assert unseal(key, rows[0][2], f"{name}#1") == b"{jane"
    assert rows[0][3] == NOW


def test_a_line_that_breaks_far_behind_clean_ones_is_a_dead_letter(zone):
    whole = [json.dumps(page(messageId=f"m-{n}")) for n in range(24_000)]
    zone.archive(*whole[:8_000])
    zone.archive(*whole[8_000:], whole[0][:100], start=8_000)
    assert zone.load().records == 24_001
    assert zone.fates() == {"read": 24_001, "loaded": 24_000, "dead_letter": {"malformed_json": 1}}


def test_a_second_load_with_nothing_new_changes_nothing(zone):
    zone.archive(*pages(1, 2, 2), "{")
    zone.archive(*pages(2, 3), start=10, suffix="json.gz")
    zone.put("eu/ledger/a.csv", "order_id\n")
    zone.put("eu/spend/google_ads/a.csv", "date,campaign_id,spend,currency\n2026-03-01,c,1,EUR\n")
    zone.load()
    before, content = zone.tables(), zone.settings.region_file("eu").read_bytes()
    again = zone.load()
    assert (again.archives, again.records, again.corrupt) == (0, 0, [])
    assert zone.tables() == before
    assert zone.settings.region_file("eu").read_bytes() == content


def test_an_archive_whose_time_alone_changed_is_not_read_again(zone):
    path = zone.archive(page())
    zone.load()
    path.write_bytes(path.read_bytes())
    assert zone.load().archives == 0


def test_an_archive_that_changed_is_read_again_and_its_known_records_are_duplicates(zone):
    zone.archive(*pages(1, 2))
    zone.load()
    zone.archive(*pages(1, 2, 3))
    assert zone.load().records == 3
    assert zone.fates() == {"read": 5, "loaded": 3, "duplicate": 2}
    assert zone.query("select count(*) from raw.events") == [(3,)]


def test_a_message_id_is_unique_over_all_topics_and_partitions(zone):
    zone.archive(*pages(1)), zone.archive(*pages(1), partition=1), zone.archive(*pages(1), topic="app")
    zone.load()
    assert zone.fates() == {"read": 3, "loaded": 1, "duplicate": 2}


def test_a_message_id_is_taken_only_by_a_record_that_was_kept(zone):
    refused = page(messageId="m-1", context={"consent": {"categoryPreferences": {"Analytics": False}}})
    zone.archive(refused, page(messageId="m-1", userId=5.5), *pages(1))
    zone.load()
    assert zone.fates() == {"read": 3, "loaded": 1, "no_consent": 1, "dead_letter": {"invalid_type": 1}}


@pytest.mark.parametrize("is_one_load", [True, False])
@pytest.mark.parametrize("is_one_archive", [True, False])
def test_the_first_committed_copy_stays_and_one_that_differs_is_conflicting(zone, is_one_load, is_one_archive):
    first, alike, other = (
        page(userId="first"),
        page(userId="first", receivedAt="2026-03-10T11:00:00Z"),
        page(userId="other"),
    )
    if is_one_archive and is_one_load:
        zone.archive(first, alike, other)
        zone.load()
    else:
        for start, one in enumerate((first, alike, other)):
            zone.archive(one, start=start)
            if not is_one_load:
                zone.load()
        zone.load()
    assert zone.fates() == {"read": 3, "loaded": 1, "duplicate": 2}
    assert zone.query("select sum(conflicting) from ops.fates") == [(1,)]
    key = region_key(zone.settings.warehouse, "eu", "pseudonym")
    assert zone.query("select replace(user_id::varchar, '-', '') from raw.events") == [
        (pseudonym(key, "user", "first"),)
    ]


@pytest.mark.parametrize("content", [b"", gzip.compress(b"{}", mtime=0)[:-4], b"no gzip"])
def test_a_corrupt_archive_loads_nothing_and_is_tried_again_when_it_changes(zone, content):
    path = zone.archive(*pages(1), suffix="json.gz")
    whole = path.read_bytes()
    path.write_bytes(content)
    zone.archive(*pages(2), start=5)
    assert zone.load().corrupt == [path.relative_to(zone.landing / "eu").as_posix()]
    assert zone.fates() == {"read": 1, "loaded": 1}
    assert zone.query("select state, records from ops.archives order by all") == [("corrupt", 0), ("loaded", 1)]
    assert zone.load().archives == 0
    path.write_bytes(whole)
    assert zone.load().corrupt == []
    assert zone.fates() == {"read": 2, "loaded": 2}
    assert zone.query("select state, count(*) from ops.archives group by all order by all") == [
        ("loaded", 2),
        ("replaced", 1),
    ]


def test_nothing_of_a_large_archive_is_loaded_when_its_end_is_missing(zone):
    path = zone.archive(*[page(messageId=f"m-{n}-{random.Random(n).random()}") for n in range(3000)], suffix="json.gz")
    path.write_bytes(path.read_bytes()[:-20])
    zone.load()
    assert zone.fates() == {}
    assert zone.query("select count(*) from raw.events") == [(0,)]


def test_a_file_that_is_still_written_is_not_there_until_it_has_its_name(zone):
    path = zone.archive(*pages(1))
    part = path.rename(path.with_name(path.name + ".tmp"))
    zone.load()
    assert zone.fates() == {}
    part.rename(path)
    zone.load()
    assert zone.fates() == {"read": 1, "loaded": 1}


def test_folders_with_odd_names_are_folders(tmp_path):
    zone = Zone(tmp_path / "it's [odd] *" / "{a,b} $x")
    zone.archive(*pages(1), topic="a*b[c]?'\n")
    zone.archive(*pages(2), "{", topic="a*b[c]?'\n", start=9, suffix="json.gz")
    zone.load()
    assert zone.fates() == {"read": 3, "loaded": 2, "dead_letter": {"malformed_json": 1}}


def test_a_name_that_is_no_utf_8_is_loaded(zone):
    path = zone.archive(*pages(1))
    path.rename(path.parent / os.fsdecode(b"caf\xe9+0+0.json"))
    zone.load()
    assert zone.fates() == {"read": 1, "loaded": 1}
    assert zone.query("select topic from ops.archives") == [("caf\\xe9",)]
    assert zone.load().archives == 0


def test_another_key_than_the_regions_is_refused(zone, monkeypatch):
    zone.archive(page())
    zone.load()
    monkeypatch.setenv("ROMI_KEY_EU_PSEUDONYM", "99" * 32)
    with pytest.raises(UsageError, match="filled under key") as caught:
        zone.load()
    assert "99" * 4 not in str(caught.value)
    with region_file(zone.settings, "eu", read_only=True) as con:
        assert meta(con, "pseudonym_key") in str(caught.value)


def test_the_same_person_has_other_pseudonyms_in_another_region(tmp_path, monkeypatch):
    monkeypatch.delenv("ROMI_KEY_EU_PSEUDONYM")
    found = set()
    for region in ("eu", "us"):
        zone = Zone(tmp_path, region)
        zone.archive(page())
        zone.load()
        found |= set(zone.query("select user_id from raw.events"))
    assert len(found) == 2


def test_without_a_choice_the_regions_default_decides(tmp_path):
    for default, fate in (("granted", "loaded"), ("denied", "no_consent")):
        zone = Zone(tmp_path / default, regions={"eu": Region(consent_default=default)})
        zone.archive(page(context={}))
        zone.load()
        assert zone.fates() == {"read": 1, fate: 1}


def test_other_formats_are_read_by_topic(tmp_path):
    zone = Zone(tmp_path, regions={"eu": Region(consent_default="granted")}, topics={"ga4": Topic(format="ga4")})
    row = {"event_name": "page_view", "event_timestamp": "1772359200123456", "user_pseudo_id": "1.2"}
    zone.archive(row, row, "{", "[]", topic="ga4")
    zone.load()
    assert zone.fates() == {
        "read": 4,
        "loaded": 1,
        "duplicate": 1,
        "dead_letter": {"malformed_json": 1, "invalid_type": 1},
    }


def test_progress_is_told_by_archive_and_byte(zone):
    sizes = [zone.archive(*pages(n), start=n).stat().st_size for n in range(3)]
    told: list[Progress] = []
    load_region(zone.settings, "eu", told.append)
    assert [(one.archives, one.records, one.archives_total) for one in told] == [(1, 1, 3), (2, 2, 3), (3, 3, 3)]
    assert (told[-1].bytes, told[-1].bytes_total) == (sum(sizes), sum(sizes))


def test_each_new_archive_is_told_to_the_planner(zone):
    zone.archive(*pages(1)), zone.archive(*pages(2), start=5)
    zone.load()
    assert zone.query("select kind, key::integer from ops.changes order by all") == [
        ("archive", id_) for (id_,) in zone.query("select archive_id from ops.archives order by all")]  # fmt: skip


def test_staged_rows_are_gone_after_a_load(zone):
    zone.archive(*pages(1))
    zone.load()
    assert not (zone.settings.staging_dir / "eu").exists()


@SETTINGS
@given(st.data())
def test_in_every_archive_and_in_all_the_records_read_are_the_sum_over_their_fates(tmp_path_factory, data):
    zone = Zone(tmp_path_factory.mktemp("zone"))
    archives = data.draw(st.lists(st.lists(lines(), max_size=6), min_size=1, max_size=4))
    expected = 0
    for start, archive in enumerate(archives):
        zone.archive(*archive, start=start * 100, suffix=data.draw(st.sampled_from(["json", "json.gz"])))
        text = b"\n".join(archive)
        expected += sum(bool(line.strip()) for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n"))
    zone.load()
    books = zone.fates()
    dead = books.pop("dead_letter", {})
    read = books.pop("read", 0)
    assert read == expected == sum(books.values()) + sum(dead.values())
    assert set(dead) <= set(REASONS)
    assert zone.query("""
        select count(*) from ops.archives
        left join (select archive_id, sum(records) as counted from ops.fates group by all)
        using (archive_id) where records <> coalesce(counted, 0)""") == [(0,)]
    assert zone.query("select count(*) from ops.dead_letters") == [(sum(dead.values()),)]
    kept = books.get("loaded", 0) + books.get("anonymised", 0)
    assert zone.query("select count(*), count(distinct message_id) from raw.events") == [(kept, kept)]
    shutil.rmtree(zone.folder)


def clean_lines(numbers):
    """Copies of a record are alike; every other one is an order, every fourth has no consent."""
    made = []
    for n in numbers:
        base = order if n % 2 else page
        given = {} if n % 4 < 2 else {"context": {"consent": {"categoryPreferences": {"Analytics": False}}}}
        made.append(json.dumps(base(messageId=f"m-{n}", **given)))
    return made


@settings(SETTINGS, max_examples=examples(10, fast=3))
@given(st.lists(st.integers(0, 12), min_size=1, max_size=25), st.data())
def test_the_same_rows_are_loaded_whatever_the_order_the_split_and_the_copies(tmp_path_factory, numbers, data):
    straight, shuffled = Zone(tmp_path_factory.mktemp("straight")), Zone(tmp_path_factory.mktemp("shuffled"))
    straight.archive(*clean_lines(sorted(set(numbers))))
    straight.load()
    rest = data.draw(st.permutations(numbers + data.draw(st.lists(st.sampled_from(numbers), max_size=5))))
    start = 0
    while start < len(rest):
        size = data.draw(st.integers(min(3, len(rest) - start), len(rest) - start))
        dirt = data.draw(st.lists(st.sampled_from(["", "{", "[]", "{}"]), max_size=2))
        shuffled.archive(
            *clean_lines(rest[start : start + size]), *dirt, start=start * 10, partition=data.draw(st.integers(0, 2))
        )
        start += size
        if data.draw(st.booleans()):
            shuffled.load()
    shuffled.load()
    assert shuffled.facts()["events"] == straight.facts()["events"]
    assert shuffled.query("select coalesce(sum(conflicting), 0) from ops.fates") == [(0,)]
    counts, books = Counter(rest), shuffled.fates()
    kept = [n for n in counts if n % 4 < 2 or n % 2]
    assert books.get("loaded", 0) + books.get("anonymised", 0) == len(kept)
    assert books.get("duplicate", 0) == sum(counts[n] for n in kept) - len(kept)
    assert books.get("no_consent", 0) == sum(counts[n] for n in counts if n not in kept)
    shutil.rmtree(straight.folder), shutil.rmtree(shuffled.folder)


@pytest.mark.parametrize("dirt", [[], ["no json"]], ids=["fast reader", "exact reader"])
def test_experiments_places_and_configured_conversions_are_in_the_table(tmp_path, dirt):
    zone = Zone(tmp_path, attribution=Attribution(conversions={"Signed Up": Conversion(value=Decimal(12))}))
    signed = page(messageId="m-2", type="track", event="Signed Up")
    zone.archive(experiment(), signed, page(messageId="m-3", type="track", event="Clicked"), *dirt)
    zone.load()
    assert zone.query("select event, experiment, variation, geography from raw.events order by record_offset") == [
        ("Experiment Viewed", "e-1", "v-2", "Bavaria"), ("Signed Up", None, None, None), (None, None, None, None)
    ]  # fmt: skip
