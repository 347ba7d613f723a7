"""What a load does unasked about days that are withheld: each response once for a state of affairs, and booked."""

from __future__ import annotations

import pytest

from operations.incidents import book, causes, words
from operations.incidents.report import report
from operations.recovery.responses import rebuild_withheld, replay_letters
from settings import Settings
from tests.ingestion import conftest
from tests.ingestion.conftest import region_file
from tests.ingestion.strategies import order, page

zone, clock = conftest.zone, conftest.clock
DAY = "2026-03-02"
REASON = "accuracy below 0.999: 9 of 90 ledger orders are wrong"


def with_settings(settings: Settings, **changed) -> Settings:
    return Settings(**{**settings.model_dump(), **changed})


@pytest.fixture
def withheld(zone):
    """A region of which a day is withheld, with an order that has no currency."""
    lacking = order()
    del lacking["properties"]["currency"]
    zone.archive(page(), lacking)
    zone.load()
    with region_file(zone.settings, "eu") as con:
        con.execute("delete from ops.changes")
        for day, reason in ((DAY, REASON), ("2026-02-02", None)):
            con.execute("insert into ops.days values (?, 1, ?, 'x', false)", [day, reason])
    report(zone.settings, causes.of_withheld("eu", {DAY: REASON}), judged=())
    return zone


def respond(settings: Settings) -> tuple[int, int]:
    loaded = replay_letters(settings, "eu")
    with region_file(settings, "eu") as con:
        return loaded, rebuild_withheld(con, settings, "eu")


def told(settings: Settings) -> list[str]:
    return [words.event(line) for line in book.incidents(settings)[0].timeline if line["event"] == "responded"]


def test_nothing_is_done_unasked(withheld):
    assert respond(withheld.settings) == (0, 0)
    assert told(withheld.settings) == []


def test_withheld_days_are_rebuilt_once_and_again_when_what_is_allowed_changes(withheld):
    asked = with_settings(withheld.settings, incidents={"automatic": ["rebuild"]})
    assert respond(asked) == (0, 1)
    assert [str(day) for (day,) in withheld.query("select day from ops.pending_days")] == [DAY]
    assert withheld.query("select tables from ops.pending_days") == [(None,)], "all its tables"
    assert respond(asked) == (0, 0), "nothing has changed since"
    with region_file(asked, "eu") as con:
        con.execute("delete from ops.pending_days")
    assert respond(with_settings(asked, slo={"accuracy": 0.9})) == (0, 1)
    assert told(asked) == ["by itself, rebuild: eu: rebuilds 1 withheld days"] * 2


def test_dead_letters_are_read_again_once_a_setting_can_read_them(withheld):
    asked = with_settings(withheld.settings, incidents={"automatic": ["replay"]})
    assert respond(asked) == (0, 0)
    assert withheld.fates()["dead_letter"]
    mended = with_settings(asked, regions={"eu": {"currency": "EUR"}})
    assert respond(mended) == (1, 0)
    assert withheld.query("select count(*) from raw.events where order_id is not null") == [(1,)]
    assert respond(mended) == (0, 0)
    assert told(mended)[-1] == "by itself, replay: eu: read 1 dead letters again, 1 are settled"


def test_in_the_shadow_it_is_told_and_not_done_and_a_region_may_be_left_out(withheld):
    shadow = with_settings(withheld.settings, features={"rebuild": "shadow", "replay": {"eu": "shadow"}})
    assert respond(shadow) == (0, 0)
    assert told(shadow) == [
        "by itself, replay: eu: would read 1 dead letters again",
        "by itself, rebuild: eu: would rebuild 1 withheld days",
    ]
    assert respond(shadow) == (0, 0)
    assert len(told(shadow)) == 2
    asked = {"automatic": ["rebuild", "replay"]}
    assert respond(with_settings(withheld.settings, incidents=asked, features={"rebuild": {"eu": "off"}}))[1] == 0


def test_without_an_incident_nothing_is_done(withheld):
    book.resolve(withheld.settings, 1, "ann", "we live with it")
    asked = with_settings(withheld.settings, incidents={"automatic": ["rebuild", "replay"]})
    assert respond(asked) == (0, 0)
