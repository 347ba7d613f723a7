"""Dead letters: counted, looked at, and after a fix loaded exactly once, whatever is killed in between."""

import json
import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion import archives, dead_letters, records, replay
from ingestion.books import region_file
from ingestion.dead_letters import Which, parse_id
from ingestion.money import MINOR_UNITS
from ingestion.records import DeadLetter
from privacy.keys import Key, region_key
from quality.books import book_checks
from settings import PermanentError, Topic, UnknownValueError, UsageError
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import NOW, lines, order, page
from tests.ingestion.test_killed_loads import KilledError, raising
from tests.kit.examples import examples
from tests.kit.prebuilt import copy_of

ROOT = Path(__file__).parents[2]
NOBODY = {"context": {"consent": {"categoryPreferences": {"Analytics": False}}}}
BOT = {"context": page()["context"] | {"userAgent": "Googlebot/2.1"}}


def refuse(monkeypatch, *message_ids):
    """A bug in the reader: records of those ids are dead letters until it is mended."""
    read = records.read_record

    def buggy(record, now, *order_types):
        if record.get("messageId") in message_ids:
            raise DeadLetter("invalid_type", NOW - timedelta(hours=2))
        return read(record, now, *order_types)

    monkeypatch.setattr(archives, "read_record", buggy)


def again(zone, **which):
    return replay.replay(zone.settings, "eu", Which(**which))


def balanced(zone):
    with region_file(zone.settings, "eu", read_only=True) as con:
        check = next(check for check in book_checks(con) if check.name == "books_balance")
    return check.is_passed and check.facts["read"] == check.facts["fates"]


def ids(zone):
    return zone.query("select archive_id, record_offset, reason, attempts from ops.dead_letters order by all")


# Orders go through the exact reader, so that the bug is met.
def _land_buggy(folder):
    zone = Zone(folder)
    first = [order(messageId=f"o-{n}") for n in range(4)] + [order(messageId="n-1", **NOBODY), "{", page(userId=5.5)]
    second = [order(messageId="o-2"), order(messageId="o-9"), "x" * (1 << 20) + "y", order(messageId="o-1", userId="z")]
    with pytest.MonkeyPatch.context() as patch:
        refuse(patch, "o-1", "o-2", "n-1", "o-9")
        zone.archive(*first)
        zone.load()
        zone.archive(*second, start=100)
        zone.load()


def land_buggy(zone):
    """Two archives; with the bug mended, their dead letters have every fate but suppressed and expired."""
    copy_of(_land_buggy, zone.folder)


def test_after_a_fix_they_are_loaded_at_their_place_with_the_fates_of_a_load(zone):
    land_buggy(zone)
    assert zone.fates()["dead_letter"] == {"invalid_type": 7, "malformed_json": 1, "oversized_record": 1}

    done = again(zone)

    assert done.fates == {"loaded": 3, "anonymised": 1, "duplicate": 2}
    assert (done.records, done.dead_letter) == (8, {"invalid_type": 1, "malformed_json": 1})
    assert (done.payload_not_kept, done.table_rows, done.not_opened, done.problems) == (1, 0, 0, {})
    assert zone.query("select archive_id, record_offset from raw.events order by all") == [
        (1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 1)]  # fmt: skip
    assert zone.fates() == {
        "read": 11, "loaded": 5, "anonymised": 1, "duplicate": 2,
        "dead_letter": {"invalid_type": 1, "malformed_json": 1, "oversized_record": 1},
    }  # fmt: skip
    assert zone.query("select archive_id, records, conflicting from ops.fates where fate = 'duplicate'") == [(2, 2, 1)]
    assert ids(zone) == [(1, 5, "malformed_json", 2), (1, 6, "invalid_type", 2), (2, 2, "oversized_record", 1)]
    assert balanced(zone)


def test_replayed_or_read_right_at_once_the_tables_are_the_same(zone, monkeypatch, tmp_path):
    land_buggy(zone)
    again(zone)
    calm = Zone(tmp_path / "calm")
    with monkeypatch.context() as patch:
        patch.setattr(archives, "read_record", records.read_record)
        for path in sorted(zone.landing.rglob("*.json")):
            calm.put(str(path.relative_to(zone.landing)), path.read_bytes())
            calm.load()
    assert zone.facts() == calm.facts()


def test_a_second_replay_loads_nothing_and_leaves_the_books_as_they_are(zone):
    land_buggy(zone)
    again(zone)
    before = zone.facts()

    done = again(zone)

    assert (done.fates, done.dead_letter) == ({}, {"invalid_type": 1, "malformed_json": 1})
    assert zone.facts() == before
    assert [row[3] for row in ids(zone)] == [3, 3, 1]
    assert again(zone, reason="invalid_money").records == 0


def test_only_those_asked_for_are_touched(zone):
    land_buggy(zone)
    known = ids(zone)

    assert again(zone, archive_id=1, record_offset=2).fates == {"loaded": 1}
    assert ids(zone) == [row for row in known if row[:2] != (1, 2)]
    assert again(zone, archive_id=1, record_offset=2).records == 0

    name = zone.query("select name from ops.archives where archive_id = 2")[0][0]
    assert again(zone, name=name, reason="invalid_type").fates == {"duplicate": 1, "loaded": 2}
    assert {row[0] for row in ids(zone) if row[2] == "invalid_type"} == {1}
    assert balanced(zone)


def test_the_planner_is_told_of_the_replayed_rows_and_no_others(zone):
    land_buggy(zone)
    with region_file(zone.settings, "eu") as con:
        con.execute("delete from ops.changes")
    again(zone, archive_id=1, record_offset=1)
    told = zone.query("select message_id::varchar from raw.events where (archive_id, record_offset) = (1, 1)")
    assert zone.query("select kind, key from ops.changes") == [("event", told[0][0])]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_topic_whose_format_was_wrong_is_read_as_what_it_is(tmp_path, line_end):
    from ingestion.sources.snowplow import COLUMNS

    row = dict.fromkeys(COLUMNS, "") | {
        "event": "page_view", "event_id": "e-1", "domain_userid": "d-1", "collector_tstamp": "2026-03-10 10:00:00.000",
        "derived_tstamp": "2026-03-10 10:00:00.000", "page_url": "https://shop.example/",
    }  # fmt: skip
    line = "\t".join(row[name] for name in COLUMNS) + line_end  # begins and ends with empty columns
    wrong = Zone(tmp_path, regions={"eu": {"consent_default": "granted"}})
    wrong.put("eu/events/topics/web/partition=0/web+0+0.json", line)
    wrong.load()
    assert wrong.fates() == {"read": 1, "dead_letter": {"malformed_json": 1}}

    mended = wrong.settings.model_copy(update={"topics": {"web": Topic(format="snowplow")}})

    assert replay.replay(mended, "eu", Which()).fates == {"loaded": 1}
    assert wrong.fates() == {"read": 1, "loaded": 1}


def test_bots_and_those_without_consent_or_too_old_have_their_fate(zone, monkeypatch):
    bad = {"properties": {"order_id": "o", "revenue": 1, "currency": "XXQ"}}
    zone.archive(
        order(messageId="m-1", **bad, **NOBODY), order(messageId="m-2", **bad),
        page(messageId="m-3", userId=5.5, **BOT), page(messageId="m-4", userId=5.5, **NOBODY),
        page(messageId="m-5", userId=5.5, timestamp="2020-01-01T00:00:00Z"),
    )  # fmt: skip
    zone.load()
    monkeypatch.setitem(MINOR_UNITS, "XXQ", 2)
    monkeypatch.setattr("ingestion.records.Fields.text", lambda self, path: (v := self.value(path)) and str(v))

    monkeypatch.setattr("ingestion.contract.hold", lambda *_: None)  # its list of currencies has no XXQ
    assert again(zone).fates == {"anonymised": 1, "loaded": 1, "bot": 1, "no_consent": 1, "expired": 1}
    assert ids(zone) == []
    assert balanced(zone)


def test_rows_that_break_the_contract_are_left_and_hold_back_no_other_archive(zone, monkeypatch):
    bad = order(messageId="m-1", properties={"order_id": "o", "revenue": 1, "currency": "XXQ"})
    zone.archive(bad)
    zone.load()
    with monkeypatch.context() as patch:
        refuse(patch, "m-2")
        zone.archive(order(messageId="m-2"), start=9)
        zone.load()
    monkeypatch.setitem(MINOR_UNITS, "XXQ", 2)

    done = again(zone)

    assert done.fates == {"loaded": 1}
    assert ["contract" in problem for problem in done.problems.values()] == [True]
    assert ids(zone) == [(1, 0, "unknown_currency", 1)]
    assert balanced(zone)


def test_rows_of_spend_are_left_and_said_to_be(zone):
    zone.put("eu/spend/google_ads/a.csv", "date,campaign_id,spend,currency\n2026-03-01,c,x,EUR\n")
    zone.load()
    before = zone.tables()
    assert again(zone).table_rows == 1
    assert zone.tables() == before


def test_what_does_not_open_is_left(zone):
    land_buggy(zone)
    with region_file(zone.settings, "eu") as con:
        con.execute("update ops.dead_letters set payload = payload || '!'::blob where archive_id = 1")
    done = again(zone)
    assert (done.not_opened, done.fates) == (5, {"loaded": 3})
    assert [row[3] for row in ids(zone)] == [1] * 6
    assert balanced(zone)


def test_a_replay_makes_no_key(zone, monkeypatch):
    land_buggy(zone)
    monkeypatch.delenv("ROMI_KEY_EU_SEAL")
    with pytest.raises(UsageError, match="no seal key of region eu"):
        again(zone)
    assert "seal" not in (zone.folder / "warehouse.keys").read_text()


# What fails before a step fails after the one before it: both are tried of each in `make test-all`.
@pytest.mark.parametrize("call", [-1, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("module", "name"),
    [(replay, "unseal"), (replay, "read_lines"), (replay, "_refuse"), (replay, "add_replayed"), (replay, "_move_fates"),
     (replay, "put_meta"), (replay, "_settle")],
    ids=lambda value: getattr(value, "__name__", value),
)  # fmt: skip
def test_a_replay_that_fails_in_the_middle_did_nothing(zone, monkeypatch, module, name, call):
    land_buggy(zone)
    before = zone.tables()
    with monkeypatch.context() as patch:
        raising(module, name, patch, call)
        with pytest.raises(KilledError):
            again(zone)
    assert zone.tables() == before
    assert again(zone).fates == {"loaded": 3, "anonymised": 1, "duplicate": 2}


KILLED = """
import os, sys
from ingestion import books, replay
from ingestion.dead_letters import Which
from settings import Settings
left = int(sys.argv[2])

class Connection:
    def __init__(self, con): self.con = con
    def __getattr__(self, name): return getattr(self.con, name)
    def execute(self, *arguments):
        global left
        left -= 1
        if left == 0:
            os._exit(9)
        return self.con.execute(*arguments)

connect = books._connect
books._connect = lambda *arguments: Connection(connect(*arguments))
replay.replay(Settings(warehouse=sys.argv[1]), "eu", Which())
"""


def killed_at(zone, step):
    arguments = [sys.executable, "-c", KILLED, str(zone.warehouse), str(step)]
    return subprocess.run(arguments, cwd=ROOT, env=os.environ.copy(), check=False).returncode == 9


@pytest.mark.parametrize("step", [26, 36, *[pytest.param(step, marks=pytest.mark.slow) for step in range(1, 40)]])
def test_a_replay_whose_process_dies_at_any_step_is_made_good_by_the_next(zone, tmp_path, step):
    calm = Zone(tmp_path / "calm")
    for one in (zone, calm):
        land_buggy(one)
    again(calm)

    killed_at(zone, step)
    again(zone)

    assert zone.facts() == calm.facts()
    assert balanced(zone)


@settings(max_examples=examples(15, fast=4), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_records_read_are_the_sum_of_fates_after_any_loads_bugs_and_replays(tmp_path_factory, data):
    zone = Zone(tmp_path_factory.mktemp("zone"))
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    with pytest.MonkeyPatch.context() as patch:
        for start in range(data.draw(st.integers(1, 4))):
            broken = rng.sample([f"m-{n}" for n in range(6)], rng.randrange(6))
            with patch.context() as bug:
                refuse(bug, *broken)
                extra = [order(messageId=f"m-{rng.randrange(6)}", userId=f"u-{rng.randrange(2)}") for _ in range(4)]
                zone.archive(*[json.dumps(one) for one in extra], *data.draw(st.lists(lines(), max_size=5)),
                             start=start * 100)  # fmt: skip
                zone.load()
            known, wanted = ids(zone), rng.choice([{}, {"reason": "invalid_type"}, {"archive_id": 1}])
            done = again(zone, **wanted)
            assert balanced(zone)
            assert done.records == sum(done.fates.values()) + sum(done.dead_letter.values())
            assert len(ids(zone)) == len(known) - sum(done.fates.values())
    read = zone.fates().get("read", 0)
    assert read == zone.query("select coalesce(sum(records), 0)::bigint from ops.archives")[0][0]
    assert zone.query("select count(*) - count(distinct message_id) from raw.events") == [(0,)]
    assert not again(zone, reason="invalid_type").fates or wanted


def test_they_are_counted_by_topic_reason_and_day(zone):
    land_buggy(zone)
    zone.put("eu/ledger/a.csv", "order_id,ordered_at,status,revenue,currency,updated_at\nx,x,x,x,x,x\n")
    zone.load()
    with region_file(zone.settings, "eu", read_only=True) as con:
        found = dead_letters.summary(con, Which())
        only = dead_letters.summary(con, Which(reason="malformed_json", topic="web"))
        named = dead_letters.letters(con, Which(reason="invalid_type"), 3)
    counted = {(one["kind"], one["topic"], one["reason"]): (one["records"], one["payloads"]) for one in found}
    assert counted == {
        ("events", "web", "invalid_type"): (7, 7), ("events", "web", "malformed_json"): (1, 1),
        ("events", "web", "oversized_record"): (1, 0), ("ledger", "", "unknown_status"): (1, 0),
    }  # fmt: skip
    assert [(one["reason"], one["records"], one["first_seen_on"]) for one in only] == [
        ("malformed_json", 1, NOW.date())
    ]
    assert found[0]["latest"] == NOW - timedelta(hours=2)
    assert [(one.archive_id, one.record_offset) for one in named] == [(2, 0), (2, 1), (2, 3)]


def test_a_payload_is_what_came_and_opens_with_the_key_alone(zone, monkeypatch):
    zone.archive(b'  {"userId": "jane@example.com" \xff', "x" * (1 << 20) + "y")
    zone.load()
    key = region_key(zone.warehouse, "eu", "seal")
    with region_file(zone.settings, "eu", read_only=True) as con:
        fine, oversized = dead_letters.letters(con, Which(), 9)
        assert dead_letters.payload(con, key, fine) == b'  {"userId": "jane@example.com" \xff'
        with pytest.raises(PermanentError, match="was not kept"):
            dead_letters.payload(con, key, oversized)
        with pytest.raises(PermanentError, match="does not open"):
            dead_letters.payload(con, Key("eu", "seal", bytes(32)), fine)


def test_past_their_period_the_letters_go_and_their_fate_stays(zone):
    land_buggy(zone)
    before = zone.fates()
    with region_file(zone.settings, "eu") as con:
        assert dead_letters.dispose(con, NOW) == 0
        assert dead_letters.dispose(con, NOW + timedelta(seconds=1)) == 9
        assert [one["payloads"] for one in dead_letters.summary(con, Which())] == [0, 0, 0]
    assert zone.fates() == before
    assert again(zone).records == 0
    assert balanced(zone)


def test_ids_and_reasons_are_checked():
    assert parse_id("eu-1:12:345") == ("eu-1", Which(archive_id=12, record_offset=345))
    for wrong in ("eu", "eu:1", "eu:1:x", "eu:1:2:3", "eu:-1:2"):
        with pytest.raises(UsageError, match="is not the id of a dead letter"):
            parse_id(wrong)
    with pytest.raises(UnknownValueError, match="malformed_json"):
        Which(reason="odd")
