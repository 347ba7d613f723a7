"""Days that showed nothing become final like any other, and are no days for those who read what was built."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ingestion.books import region_file
from operations.finance_tables.published_tables import FINANCE
from operations.publishing.expectation_gate import known_days
from operations.publishing.region_marts import read_region
from operations.rebuilding import rebuild
from operations.rebuilding.finality import finalise
from settings import Region, Settings
from tests.operations import marts

NEW_YEAR = date(2026, 1, 1)


def finalised(settings: Settings, *built: date, received: str, pending: str = "") -> list[date]:
    """The final days of a region, of which `built` show something and the last record came at `received`."""
    with region_file(settings, "eu") as con:
        con.execute(
            """insert into raw.events by name select uuid() as message_id, uuid() as message_order, 1 as archive_id,
            1 as record_offset, 'page' as type, ?::timestamp as occurred_at, false as is_anonymised""",
            [received],
        )
        con.execute("insert into ops.days select unnest(?::date[]), 1, null, 'orders', false", [built])
        con.execute(f"insert into ops.pending_days (day, reason) {pending}" if pending else "select 1")
        finalise(con, settings, "eu")
        return [day for (day,) in con.execute("select day from ops.days where is_final order by day").fetchall()]


def span(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


@pytest.mark.parametrize(("zone", "through"), [("UTC", date(2026, 1, 31)), ("Asia/Tokyo", date(2026, 2, 1))])
def test_every_day_since_the_first_becomes_final_but_those_that_wait(tmp_path, zone, through):
    local = Settings(warehouse=tmp_path, regions={"eu": Region(timezone=zone)})
    waiting = date(2026, 1, 20)
    found = finalised(local, NEW_YEAR, received="2026-03-07 20:00", pending=f"values ('{waiting}', 'orders')")
    assert found == [day for day in span(NEW_YEAR, through) if day != waiting]
    assert rebuild.days_at_hand(local, "eu", date(2026, 1, 2), date(2026, 1, 9)) is None


def test_history_that_comes_later_in_pieces_closes_its_gaps_35_days_on(tmp_path):
    settings = Settings(warehouse=tmp_path)
    known = span(NEW_YEAR, date(2026, 1, 31))
    assert finalised(settings, NEW_YEAR, received="2026-03-07") == known
    pieces = [date(2025, 11, 1), date(2025, 12, 1)]
    assert finalised(settings, pieces[0], received="2026-03-07") == [pieces[0], *known]
    assert finalised(settings, pieces[1], received="2026-03-07") == [*pieces, *known]
    assert finalised(settings, received="2026-04-11") == span(pieces[0], date(2026, 3, 7))


def test_a_first_day_from_a_wrong_clock_makes_no_more_days_than_the_ledger_is_kept(tmp_path):
    settings = Settings(warehouse=tmp_path)
    found = finalised(settings, date(1, 1, 1), received="2026-03-07")
    assert len(found) == 1 + settings.retention.ledger_days + 1


def test_nothing_becomes_final_while_something_that_landed_is_not_planned(tmp_path):
    settings = Settings(warehouse=tmp_path)
    with region_file(settings, "eu") as con:
        con.execute("insert into ops.changes values ('archive', null, '1')")
    assert finalised(settings, NEW_YEAR, received="2026-03-07") == []


def test_a_day_that_showed_nothing_is_no_built_day_for_those_who_publish(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-05-01T12:00:00Z")  # the last final day is still answered for
    settings = Settings(warehouse=tmp_path)
    marts.build(settings, "eu")
    reading = read_region(settings, "eu", with_rows=True)
    assert (reading.state.final_days, reading.state.built_days, reading.state.last_day) == (57, 3, "2026-02-01")
    assert reading.answers == ()
    monthly = next(table for table in FINANCE if table.name == "romi_monthly")
    assert known_days(settings, "eu", monthly, date(2026, 2, 1)) == [date(2026, 2, 1)]
