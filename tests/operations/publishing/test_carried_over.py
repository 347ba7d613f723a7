"""What is not there, or held back, keeps its last good rows; what may still change is not final."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ingestion.books import region_file
from operations.publishing.publish import publish
from operations.store.versions import versions
from privacy import storage
from settings import Region, Settings
from tests.ingestion.conftest import HOLD
from tests.kit.examples import some
from tests.operations import marts
from tests.operations.marts import DAYS, ask, build, change, final_days, months, publish_now, revenue_by_day

settings, shop, shown = marts.settings, marts.shop, marts.shown


@pytest.mark.parametrize(
    "hold_back",
    ["update ops.days set withheld_reason = 'accuracy' where day = '2026-01-30'",
     "insert into ops.pending_days (day, reason) values ('2026-01-30', 'rebuilt')"],
    ids=["withheld", "pending"],
)  # fmt: skip
def test_a_day_held_back_keeps_its_last_good_rows_and_its_month_s(shown: Settings, hold_back: str) -> None:
    build(shown, "eu", revenue=200)
    change(shown, "eu", hold_back)
    publish_now(shown)
    for table in ("orders_daily", "romi_daily"):
        assert revenue_by_day(shown, table=table) == dict(zip(DAYS, (100, 200, 200), strict=True))
    # The judgement is shown as it stands: it says what is wrong with the day.
    assert revenue_of_ledger(shown) == [200, 200, 200]
    assert months(shown) == {date(2026, 1, 1): (200, False), date(2026, 2, 1): (200, True)}
    assert final_days(shown) == DAYS[1:]
    assert ask(shown, "select withheld_days from meta.versions where region = 'eu'") == [(1,)]
    assert versions(shown)[-1].regions["eu"].withheld_days == (DAYS[0],)


def test_touches_months_before_a_day_held_back_keep_their_last_good_rows_and_are_not_final(shop: Settings) -> None:
    def touched(revenue: int) -> str:
        return f"""
            delete from finance.romi_by_touch_date;
            insert into finance.romi_by_touch_date by name
            select * replace (date '2025-10-01' as date, {revenue} as revenue) from finance.romi_daily
            where date = '2026-01-30'"""

    shown = "select distinct revenue::int, is_final from finance.romi_by_touch_date where region = 'eu'"
    change(shop, "eu", """
        create schema intermediate; create table intermediate.int_attribution__touch_credits as
        select date '2026-01-30' as ordered_on, date '2025-10-01' as touched_on;""" + touched(100))  # fmt: skip
    publish_now(shop)
    assert ask(shop, shown) == [(100, True)]
    change(shop, "eu", touched(200) + "; update ops.days set withheld_reason = 'accuracy' where day = '2026-01-30'")
    publish_now(shop)
    assert ask(shop, shown) == [(100, False)]
    change(shop, "eu", "update ops.days set withheld_reason = null, is_final = false where day = '2026-01-30'")
    publish_now(shop)
    assert ask(shop, shown) == [(200, False)]


def test_a_day_held_back_from_the_start_is_absent_with_its_month(shop: Settings) -> None:
    change(shop, "eu", "update ops.days set withheld_reason = 'accuracy' where day = '2026-01-30'")
    publish_now(shop)
    assert list(revenue_by_day(shop)) == DAYS[1:]
    assert revenue_of_ledger(shop) == [100, 100, 100]
    assert list(months(shop)) == [date(2026, 2, 1)]
    change(shop, "eu", "update ops.days set withheld_reason = null")
    publish_now(shop)
    assert list(revenue_by_day(shop)) == DAYS
    assert months(shop)[date(2026, 1, 1)] == (200, True)


def revenue_of_ledger(shop: Settings) -> list[int]:
    query = "select ledger_revenue::int from finance.reconciliation_daily where region = 'eu' order by date"
    return [revenue for (revenue,) in ask(shop, query)]


def lose(path: Path) -> None:
    path.unlink()


def garble(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def garble_inside(path: Path) -> None:
    with path.open("r+b") as file:
        for place in range(12_288 + 100, path.stat().st_size, 4096):
            file.seek(place)
            file.write(b"\xff" * 8)


def start_anew(path: Path) -> None:
    path.unlink()
    with region_file(Settings(warehouse=path.parents[1]), path.stem):
        pass


def outdate(path: Path) -> None:
    with region_file(Settings(warehouse=path.parents[1]), path.stem) as con:
        con.execute("update ops.meta set value = '0' where key = 'format'")


@pytest.mark.parametrize("damage", some([lose, outdate, garble, garble_inside, start_anew], fast=2))
def test_a_region_that_cannot_be_read_is_carried_over(
    shop: Settings, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(storage, "_LOCK_WAITS", ())
    publish_now(shop)
    build(shop, "us", revenue=300)
    damage(shop.region_file("eu"))
    done = publish_now(shop)
    assert list(done.late) == ["eu"]
    assert revenue_by_day(shop) == dict.fromkeys(DAYS, 100)
    assert revenue_by_day(shop, "us") == dict.fromkeys(DAYS, 300)
    assert (final_days(shop), final_days(shop, "us")) == ([], DAYS)
    assert ask(shop, "select region, carried_over from meta.versions order by all") == [("eu", True), ("us", False)]
    assert publish(shop) is None


def test_a_region_that_was_never_published_and_cannot_be_read_waits(shop: Settings) -> None:
    garble(shop.region_file("eu"))
    done = publish_now(shop)
    assert "eu" in done.late
    assert ask(shop, "select region from meta.versions") == [("us",)]


def test_a_region_that_a_writer_holds_is_carried_over_as_it_is(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_LOCK_WAITS", ())
    publish_now(shop)
    command = [sys.executable, "-c", HOLD, str(shop.region_file("eu"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert publish(shop) is None
        build(shop, "us", revenue=300)
        done = publish_now(shop)
        writer.communicate(b"\n")
    assert done.late == {"eu": "a writer holds its file"}
    assert final_days(shop) == DAYS
    assert ask(shop, "select carried_over from meta.versions order by region") == [(True,), (False,)]


def test_a_region_leaves_only_with_its_file_and_its_configuration(shown: Settings) -> None:
    without = shown.model_copy(update={"regions": {"us": Region()}})
    assert publish(without) is None
    shown.region_file("eu").unlink()
    publish_now(without)
    assert ask(without, "select distinct region from finance.orders_daily") == [("us",)]


@pytest.mark.parametrize(
    ("zone", "final"), some([("UTC", DAYS[:1]), ("Asia/Tokyo", DAYS[:2]), ("America/New_York", DAYS[:1])], fast=2)
)
def test_a_day_is_final_35_days_before_the_region_s_watermark(settings: Settings, zone: str, final: list[date]) -> None:
    local = settings.model_copy(update={"regions": {"eu": Region(timezone=zone)}})
    build(local, "eu", received="2026-03-05 14:59:59")
    publish_now(local)
    assert final_days(local) == []
    # 35 days after 30 January, late in the evening: the next day in Tokyo.
    build(local, "eu", received="2026-03-06 20:00")
    publish_now(local)
    assert final_days(local) == final
    assert months(local)[date(2026, 1, 1)] == (200, zone == "Asia/Tokyo")


ARCHIVE = """insert into ops.archives by name
    select {id} as archive_id, '{kind}' as kind, '{name}' as name, 'web' as topic, {partition} as partition,
        {start} as start_offset, 1 as size_bytes, 1 as mtime_ns, '{id}' as sha256, '{state}' as state, 1 as attempts,
        {records} as records, now()::timestamp as first_seen_at"""


@pytest.mark.parametrize(
    ("archives", "is_lost"),
    some(
        [
            ([(0, 0, 100), (0, 100, 50), (1, 70, 5)], False),
            ([(0, 0, 100), (0, 101, 50)], True),
            ([(0, 0, 100), (1, 101, 50)], False),
            ([(0, 0, 100), (0, 20, 10), (0, 100, 50)], False),  # redelivered inside
        ],
        fast=2,
    ),
)
def test_a_hole_in_the_offsets_leaves_nothing_final(
    settings: Settings, archives: list[tuple[int, int, int]], is_lost: bool
) -> None:
    for number, (partition, start, records) in enumerate(archives):
        place = {"partition": partition, "start": start, "records": records}
        change(settings, "eu", ARCHIVE.format(id=number, kind="events", name=number, state="loaded", **place))
    build(settings, "eu")
    publish_now(settings)
    assert final_days(settings) == ([] if is_lost else DAYS)


def test_a_hole_leaves_only_those_days_open_that_it_can_speak_of(settings: Settings) -> None:
    days = [date(2026, 1, 1), date(2026, 2, 15), date(2026, 3, 2)]
    for number, (start, received) in enumerate([(0, "2026-03-01"), (200, "2026-03-01 12:00"), (300, "2026-05-01")]):
        facts = {"kind": "events", "name": number, "state": "loaded", "partition": 0, "start": start, "records": 100}
        change(settings, "eu", ARCHIVE.format(id=10 + number, **facts))
        change(settings, "eu", f"""insert into raw.events (message_id, message_order, archive_id, record_offset, type,
            occurred_at, received_at, is_anonymised)
            values (uuid(), uuid(), {10 + number}, 1, 'page', '{received}', '{received}', false)""")  # fmt: skip
    build(settings, "eu", days=days)
    publish_now(settings)
    assert final_days(settings) == [days[0], days[2]]


def test_a_corrupt_archive_is_lost_until_it_comes_whole(settings: Settings) -> None:
    facts = {"kind": "events", "name": "a", "partition": 0, "start": 0}
    change(settings, "eu", ARCHIVE.format(id=1, state="corrupt", records=0, **facts))
    build(settings, "eu")
    publish_now(settings)
    assert final_days(settings) == []
    change(settings, "eu", ARCHIVE.format(id=2, state="loaded", records=9, **facts))
    build(settings, "eu")
    publish_now(settings)
    assert final_days(settings) == DAYS
