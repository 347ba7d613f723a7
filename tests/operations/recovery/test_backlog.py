"""The backlog is told from archives alone, by region and topic, whoever holds the region's file."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta

import pytest

from ingestion.seen import Seen, read_seen
from operations import status
from operations.recovery import backlog, drain, history, look, usual
from operations.store.locks import exclusive
from orchestration.cli.show_backlog import backlog_lines
from settings import Settings, now
from tests.ingestion import conftest
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import NOW, page

zone, clock = conftest.zone, conftest.clock


def pages(first: int, count: int) -> list[dict]:
    return [page(messageId=f"m-{n}") for n in range(first, first + count)]


def aged(path, **age: float):
    moment = (NOW.replace(tzinfo=UTC) - timedelta(**age)).timestamp()
    os.utime(path, (moment, moment))
    return path


def load(zone: Zone) -> None:
    drain.drain(zone.settings, "eu", lambda _: None, lambda _: None)
    with conftest.region_file(zone.settings, "eu") as con:
        status.write_snapshot(con, zone.settings, "eu")


def shown(settings: Settings) -> dict:
    return status.overview(settings)["regions"]["eu"]["backlog"]


@pytest.fixture
def held(zone, monkeypatch):
    """A region with a load behind it and archives of two topics before it, whose file nobody can open."""
    aged(zone.archive(*pages(0, 10)), hours=5)
    with exclusive(zone.settings):
        load(zone)
    aged(zone.archive(*pages(10, 20), start=10), hours=2)
    aged(zone.archive(*pages(30, 5), topic="app"), hours=3)

    def nobody(*_, **__):
        raise AssertionError("the region's file was opened")

    monkeypatch.setattr("privacy.storage.opened", nobody)
    with exclusive(zone.settings):
        yield zone


def test_depth_age_and_rates_are_told_by_topic_while_a_writer_holds_the_file(held):
    found = shown(held.settings)
    assert (found["archives"], found["oldest_age_seconds"]) == (2, 3 * 3600)
    assert found["bytes"] == sum(one["bytes"] for one in found["topics"].values())
    web, app = found["topics"]["web"], found["topics"]["app"]
    assert (web["archives"], web["records"], web["oldest_age_seconds"]) == (1, 20, 2 * 3600)
    assert (web["arrived_records"], web["drained_records"]) == (30, 10)
    assert (app["archives"], app["records"]) == (1, 5)
    assert (found["arrived_records_24h"], found["drained_records_24h"]) == (10, 10)
    assert found["drain_records_per_hour"] > 0
    assert found["seconds_to_clear"] is not None
    [other, one, rates] = backlog_lines({"eu": {"backlog": found}})
    assert one.startswith("backlog eu app: 1 file, about 5 records")
    assert "the oldest has waited for 2 h 0 min" in other
    assert "`romi run` clears it in about" in rates


def test_every_commit_of_a_load_puts_its_figures_in_place(zone, monkeypatch):
    monkeypatch.setattr("ingestion.parsing._COMMIT_RECORDS", 10)
    monkeypatch.setattr("ingestion.parsing._TASK_ARCHIVES", 1)
    load(zone)  # nothing has landed yet
    for start in range(0, 30, 10):
        zone.archive(*pages(start, 10), start=start)
    depths, write = [], status.write_json

    def note(path, value):
        depths.append((value["records"]["read"], value["backlog"]["archives"]))
        write(path, value)

    monkeypatch.setattr(status, "write_json", note)
    drain.drain(zone.settings, "eu", lambda _: None, lambda _: None)
    assert depths == [(0, 3), (10, 2), (20, 1), (30, 0)]
    booked = [(one["records"], one["archives"]) for one in history.depths(zone.settings, now() - timedelta(days=1))]
    assert [archives for _, archives in booked] == [3, 2, 1, 0]
    [work] = history.work(zone.settings, "load", "eu")
    assert work["records"] == 30


def test_a_copy_of_what_was_seen_that_is_damaged_is_made_anew_by_the_next_load(zone):
    zone.archive(*pages(0, 3))
    load(zone)
    path = zone.warehouse / "status" / "eu.seen"
    path.write_bytes(b"half")
    assert read_seen(zone.settings, "eu") is None
    load(zone)
    assert isinstance(read_seen(zone.settings, "eu"), Seen)
    assert shown(zone.settings)["archives"] == 0


def test_the_history_keeps_what_a_kill_cut_short_out(zone):
    history.book_depth(
        zone.settings, "eu", {"web": backlog.by_topic({"topics": {"web": {"records": 1, "bytes": 9}}}, [], None)["web"]}
    )
    book = zone.warehouse / "backlog" / f"{now():%Y-%m-%d}.jsonl"
    with book.open("a") as file:
        file.write('{"what": "dep')
    assert [one["topic"] for one in history.depths(zone.settings, now() - timedelta(hours=1))] == ["web"]
    assert json.loads(book.read_text().splitlines()[0])["drained_records"] == 1


def test_records_that_wait_are_estimated_by_how_they_are_packed(zone):
    """Of JSON lines a record takes several times the bytes that it takes in gz: a mean of both is wrong of each."""
    letters = random.Random(1)

    def varied(first: int, count: int) -> list[dict]:
        return [one | {"properties": {"x": letters.randbytes(60).hex()}} for one in pages(first, count)]

    zone.archive(*varied(0, 400))
    zone.archive(*varied(400, 100), start=400, suffix="json.gz")
    load(zone)
    zone.archive(*varied(500, 100), start=500, suffix="json.gz")
    zone.archive(*varied(700, 200), start=700)
    zone.archive(*varied(900, 100), start=900, suffix="json.zst")  # the first of its kind
    by_start = {int(one.name.rpartition("+")[2].partition(".")[0]): one for one in backlog.waiting(zone.settings, "eu")}
    of_books = status.snapshots(zone.settings)[0]["books"]

    def estimated(start: int) -> int:
        return backlog.by_topic(of_books, [by_start[start]], None)["web"]["records"]

    assert estimated(500) == pytest.approx(100, rel=0.05)
    assert estimated(700) == pytest.approx(200, rel=0.02)
    assert 50 <= estimated(900) <= 300, "by the others, and by how much zst usually saves"
    for old in of_books["topics"].values():
        del old["by_packing"]  # as a snapshot of an earlier release has it
    assert estimated(700) > 0


def test_the_history_is_a_table_of_the_regions_file_which_each_load_goes_on(zone, monkeypatch):
    for start, moment in ((0, NOW - timedelta(hours=10)), (10, NOW)):
        monkeypatch.setenv("ROMI_NOW", f"{moment:%Y-%m-%dT%H:%M:%SZ}")
        zone.archive(*pages(start, 10), start=start)
        look.look(zone.settings, "eu", None)
        monkeypatch.setenv("ROMI_NOW", f"{moment + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}")
        load(zone)
        for _ in range(2):  # what is there is not entered twice
            with conftest.region_file(zone.settings, "eu") as con:
                history.enter(con, zone.settings, "eu")
    found = zone.query(
        """
        select hour("at" - ?::timestamp), minute("at"), archives, arrived_records, drained_records,
            arrival_records_per_hour, drain_records_per_hour, known_loss_records
        from ops.backlog_history where topic = 'web' order by "at" """.replace("?::timestamp", f"timestamp '{NOW}'")
    )
    assert [one[2:5] for one in found] == [(1, 0, 0), (0, 10, 10), (1, 20, 10), (0, 20, 20)]
    assert found[0][5:7] == (None, None), "of one moment nobody knows a rate"
    assert found[2][5:7] == (pytest.approx(2.0), pytest.approx(1.0)), "20 arrived and 10 were loaded in ten hours"


def test_a_clock_that_was_ahead_hides_nothing_of_the_history(zone, monkeypatch):
    for moment in ("2030-01-01T00:00:00Z", "2026-03-12T12:00:00Z", "2026-03-12T13:00:00Z"):
        monkeypatch.setenv("ROMI_NOW", moment)
        zone.archive(page(messageId=moment), start=int(moment[11:13]), topic=moment[:4])
        load(zone)
        with conftest.region_file(zone.settings, "eu") as con:
            history.enter(con, zone.settings, "eu")
    assert zone.query('select distinct "at"::varchar from ops.backlog_history order by 1') == [
        ("2026-03-12 12:00:00",), ("2026-03-12 13:00:00",), ("2030-01-01 00:00:00",)
    ]  # fmt: skip


def test_a_look_that_is_repeated_takes_no_name_apart_and_keeps_no_second_line(zone, monkeypatch):
    zone.archive(*pages(0, 3))
    load(zone)
    zone.archive(*pages(3, 3), start=3)
    zone.put("eu/spend/stray.csv", "x")  # no reader takes it, so it does not wait
    first = look.look(zone.settings, "eu", None)
    assert (first.is_waiting, first.topics["web"]["archives"]) == (True, 1)
    with monkeypatch.context() as patch:
        patch.setattr(backlog, "waiting", lambda *_: pytest.fail("it was looked through again"))
        again = look.look(zone.settings, "eu", first.cursor)
    assert (again.is_waiting, again.topics, again.digest, again.cursor) == (True, {}, first.digest, first.cursor)
    lines = [one for one in history.depths(zone.settings, now() - timedelta(days=1)) if one["archives"]]
    assert len(lines) == 1
    off = Settings(**{**zone.settings.model_dump(), "features": {"segment": "off"}})
    assert not look.look(off, "eu", first.cursor).is_waiting, "another configuration is looked at anew"
    load(zone)
    assert not look.look(zone.settings, "eu", first.cursor).is_waiting
    assert look.look(zone.settings, "eu", first.digest).digest, "as an earlier release kept it"


USUAL = {"weeks": 8, "days": 7, "by_hour": [100] * 168}


@pytest.mark.parametrize(
    ("silent", "known", "said"),
    [
        (timedelta(hours=1), USUAL, None),
        (timedelta(hours=6), USUAL, "300 records usually would have by now"),
        (timedelta(days=3), {**USUAL, "weeks": 1}, "it usually arrives every day"),
        (timedelta(days=3), {"weeks": 0, "days": 1, "by_hour": []}, None),
        (timedelta(hours=6), {**USUAL, "by_hour": [0] * 168}, None),
    ],
)
def test_a_region_is_late_by_its_own_baseline_of_weekday_and_hour(monkeypatch, silent, known, said):
    monkeypatch.setenv("ROMI_NOW", "2026-03-12T12:00:00Z")
    found = usual.late(Settings(), (now() - silent).isoformat(), known)
    assert found is None if said is None else said in found


def test_the_usual_arrivals_are_medians_of_the_weeks_before(zone, monkeypatch):
    for week in range(1, 7):
        aged(zone.archive(*pages(week * 100, 10 * week), start=week * 100), weeks=week)
    zone.load()
    with conftest.region_file(zone.settings, "eu", read_only=True) as con:
        found = usual.arrivals(con, zone.settings)
    hour = NOW.weekday() * 24 + NOW.hour
    assert found["weeks"] == 6
    assert [n for n, records in enumerate(found["by_hour"]) if records] == [hour]
    assert found["by_hour"][hour] == 35


def test_a_backlog_is_deep_against_the_same_hour_of_the_weeks_before(monkeypatch, tmp_path):
    settings, topic = Settings(warehouse=tmp_path), {"archives": 9, "bytes": 9, "oldest_age_seconds": 60}
    for week in range(6, 0, -1):
        monkeypatch.setenv("ROMI_NOW", (datetime(2026, 3, 12, 12, tzinfo=UTC) - timedelta(weeks=week)).isoformat())
        history.book_depth(
            settings, "eu", {"web": {**topic, "records": 100, "arrived_records": 0, "drained_records": 0}}
        )
    monkeypatch.setenv("ROMI_NOW", "2026-03-12T12:30:00Z")

    def found(records: int) -> list[str]:
        measured = {"archives": 9, "topics": {"web": {**topic, "records": records}}}
        return [one.what for one in usual.unusual(settings, "eu", measured, {"weeks": 0, "days": 0, "by_hour": []})]

    assert found(140) == []
    assert found(900) == ["deep"]
    monkeypatch.setenv("ROMI_NOW", "2026-03-12T15:30:00Z")  # of that hour nothing is known, and the archives are young
    assert found(900) == []
