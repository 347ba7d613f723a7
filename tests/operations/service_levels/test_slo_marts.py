"""Service levels of a version: freshness of marts, a prober's reads, what a late region keeps, and plain answers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from operations import status
from operations.publishing.publish import publish
from operations.service_levels.slo_marts import warehouse_levels
from operations.store.rollback import rollback
from tests.kit.prebuilt import copy_of
from tests.operations import marts
from tests.operations.marts import ask, build, change

settings, shop = marts.settings, marts.shop

NOW = datetime(2026, 2, 2, 12, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch):
    def tell(moment: datetime) -> datetime:
        monkeypatch.setenv("ROMI_NOW", moment.isoformat())
        return moment

    tell(NOW)
    return tell


def _publish_at_noon(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", NOW.isoformat())
        copy_of(marts.build_shop, folder)
        publish(marts.settings_of(folder))


@pytest.fixture
def published(settings, tmp_path, clock):
    """The shop, published at that time."""
    copy_of(_publish_at_noon, tmp_path)
    return settings


def publish_at(shop, clock, moment):
    clock(moment)
    return publish(shop)


def test_a_mart_grows_stale_when_nothing_confirms_it(published, clock):
    publish_at(published, clock, NOW + timedelta(hours=25))  # nothing new, and that is confirmed
    clock(NOW + timedelta(hours=49))
    assert warehouse_levels(published)["eu"]["freshness_hours.romi_daily"]["is_met"]
    clock(NOW + timedelta(hours=57))
    level = warehouse_levels(published)["eu"]["freshness_hours.romi_daily"]
    assert not level["is_met"]
    assert (level["objective"], level["achieved"]) == (26, pytest.approx(32, abs=0.2))
    assert level["alert"] == "page"


def test_a_confirmation_that_was_cut_short_stops_nothing_and_the_others_count(published, clock):
    book = published.warehouse / "books/confirmed.jsonl"
    book.write_text(f'{book.read_text()}{{"at": "2026-')
    assert warehouse_levels(published)["eu"]["freshness_hours.romi_daily"]["is_met"]
    publish_at(published, clock, NOW + timedelta(hours=25))
    clock(NOW + timedelta(hours=49))
    assert warehouse_levels(published)["eu"]["freshness_hours.romi_daily"]["is_met"]


def test_a_withheld_newest_day_leaves_its_marts_behind_and_no_others(shop, clock):
    change(shop, "eu", "update ops.days set withheld_reason = 'x' where day = '2026-02-01'")
    publish_at(shop, clock, NOW)
    clock(NOW + timedelta(hours=1))
    marts = {name.partition(".")[2] for name in warehouse_levels(shop)["eu"]}
    assert marts == {"experiment_lift", "reconciliation_daily"}  # one has no days, nor months; one tells of any
    assert "freshness_hours.romi_monthly" in warehouse_levels(shop)["us"]


def test_a_pinned_version_is_not_confirmed(published, clock):
    rollback(published, 1)
    publish_at(published, clock, NOW + timedelta(hours=20))
    clock(NOW + timedelta(hours=40))
    assert not warehouse_levels(published)["eu"]["freshness_hours.orders_daily"]["is_met"]


def test_availability_is_what_the_prober_booked_and_nothing_without_it(published):
    assert "(all)" not in warehouse_levels(published)
    reads = [{"at": (NOW - timedelta(minutes=n)).isoformat(), "ok": n != 7, "ms": 3.5} for n in range(400)]
    (published.warehouse / "probes").mkdir()
    (published.warehouse / "probes" / "2026-02-02.jsonl").write_text(
        "".join(json.dumps(one) + "\n" for one in reads) + '{"at": "2026-'
    )
    level = warehouse_levels(published)["(all)"]["availability"]
    assert (level["achieved"], level["is_met"], level["alert"]) == (1 - 1 / 400, False, None)  # one alone is no alert


def test_the_version_holds_service_levels_of_its_regions_and_a_late_one_keeps_its(shop, clock):
    change(shop, "eu", "insert into ops.sli values ('accuracy', '2026-02-01', '2026-02-01', 10, 1, null)")
    publish_at(shop, clock, NOW)
    levels = "select region, slo, date, events, bad_events, is_met from meta.slo_of_regions where slo = 'accuracy'"
    expected = [("eu", "accuracy", date(2026, 2, 1), 10, 1, False)]
    assert ask(shop, levels) == expected
    shop.region_file("eu").write_bytes(b"broken" * 1000)
    build(shop, "us", 200)
    assert publish_at(shop, clock, NOW + timedelta(hours=1)).version == 2
    assert ask(shop, levels) == expected
    assert ask(shop, "select distinct region from meta.usable_days order by 1") == [("eu",), ("us",)]


def test_a_day_of_finance_is_that_of_the_region_in_which_it_went_worst(shop, clock):
    for region, bad in (("eu", 1), ("us", 2)):
        change(shop, region, f"""insert into ops.sli values
            ('accuracy', '2026-02-01', '2026-02-01', 10, {bad}, null),
            ('event_match_rate', '2026-02-01', '2026-02-01', 10, 1, null)""")  # fmt: skip
    publish_at(shop, clock, NOW)
    found = ask(
        shop, "select date, slo, region, bad_events from finance.slo_daily where date = '2026-02-01' order by slo"
    )
    shared = [row for row in found if row[1] in ("accuracy", "event_match_rate")]
    day = date(2026, 2, 1)
    assert shared == [(day, "accuracy", "us", 2), (day, "event_match_rate", "eu", 1)]
    assert ask(shop, "select date, slo from finance.slo_daily group by all having count(*) > 1") == []


def test_new_facts_alone_are_no_new_version(published, clock):
    change(published, "eu", "insert into ops.sli values ('accuracy', '2026-02-01', '2026-02-01', 10, 1, null)")
    assert publish_at(published, clock, NOW + timedelta(hours=1)) is None


def answer(shop, clock, moment=NOW):
    from ingestion.books import region_file

    clock(moment)
    (shop.warehouse / "status").mkdir(exist_ok=True)
    for region in ("eu", "us"):
        with region_file(shop, region, read_only=True) as con:
            status.write_snapshot(con, shop, region)
    return status.overview(shop)["regions"]["eu"]["yesterday"]


def test_can_i_use_yesterday_s_numbers(shop, clock):
    assert answer(shop, clock)["answer"] == "no: it is rebuilt and not published yet"
    publish_at(shop, clock, NOW)
    assert answer(shop, clock) == {"date": "2026-02-01", "is_usable": True, "answer": "yes, and it is final"}
    assert ask(shop, "select is_usable from meta.usable_days where region = 'eu' and date = '2026-02-01'") == [(True,)]
    assert answer(shop, clock, NOW + timedelta(days=1))["answer"] == "no: nothing has landed for it"

    change(shop, "eu", "update ops.days set is_final = false")
    assert answer(shop, clock)["answer"] == "yes; late data may still change it"
    change(shop, "eu", "update finance.reconciliation_daily set event_match_rate = 0.9, ledger_orders = 50")
    assert answer(shop, clock)["answer"].endswith(
        "10.0% of its orders came without an event, so less of them than usual is attributed"
    )
    change(shop, "eu", "update finance.reconciliation_daily set ledger_orders = 20")
    assert "10.0% of the orders of its last 28 days came without" in answer(shop, clock)["answer"]
    change(shop, "eu", "update finance.reconciliation_daily set ledger_orders = 2")
    assert "without an event" not in answer(shop, clock)["answer"]
    change(shop, "eu", "update raw.events set received_at = '2026-02-01 15:30'")
    usually = "insert into raw.events by name select * replace (uuid() as message_id, occurred_at + {} as occurred_at)"
    change(shop, "eu", f"{usually.format('interval 30 days + interval 15 hours')} from raw.events")  # silent from 15:00
    assert answer(shop, clock)["answer"] == "yes; late data may still change it"
    change(shop, "eu", f"{usually.format('interval 7 hours')} from raw.events")
    assert answer(shop, clock)["answer"] == "no: its input has come to 2026-02-01 15:30 only"
    change(shop, "eu", "insert into ops.pending_days (day, reason) values ('2026-02-01', 'orders')")
    assert answer(shop, clock)["answer"] == "no: it waits for its rebuild"
    change(shop, "eu", "update ops.days set withheld_reason = 'accuracy below 0.999'")
    assert answer(shop, clock)["answer"] == "no: withheld, accuracy below 0.999; its last good rows stand, if any"


def test_a_day_of_which_much_is_lost_or_unreadable_is_not_usable_and_of_which_little_is_says_so(published, clock):
    change(published, "eu", "update ops.days set is_final = false")
    shop_of_three_archives = """
        insert into ops.archives values
            (7, 'events', 'a', 'web', 0, 0, 1, 1, 'x', 'loaded', null, 1, 4000, '2026-02-01', '2026-02-01'),
            (8, 'events', 'b', 'web', 0, {start}, 1, 1, 'x', 'loaded', null, 1, 0, '2026-02-01', '2026-02-01'),
            (9, 'ledger', 'orders.csv', '', 0, 0, 1, 1, 'x', '{state}', null, 1, 5, '2026-02-01', '2026-02-01');
        insert into ops.archive_spans values (7, '2026-02-01 12:00', '2026-02-01 12:00'),
            (8, '2026-02-01 13:00', '2026-02-01 23:59');
        insert into ops.fates values (7, 'bot', '', 4000, 0), (9, 'dead_letter', 'invalid_money', 5, 0)"""
    change(published, "eu", shop_of_three_archives.format(start=4004, state="loaded"))
    assert answer(published, clock)["answer"].partition("; ")[2].partition("; ")[2] == (
        "4 of its records are lost or not accounted for;"
        " 5 rows of ledger files could not be read, of this or other days"
    )
    change(published, "eu", "delete from ops.archives; delete from ops.fates; delete from ops.archive_spans")
    change(published, "eu", shop_of_three_archives.format(start=4500, state="corrupt"))
    assert answer(published, clock)["answer"] == "no: 500 of its 4,500 records are lost or not accounted for"
    change(published, "eu", "update ops.archives set start_offset = 4000 where archive_id = 8")
    assert answer(published, clock)["answer"] == "no: ledger file orders.csv cannot be read"
