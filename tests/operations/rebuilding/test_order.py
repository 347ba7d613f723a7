"""Newest days first: what was built before older days that it reads is built once more after them."""

from __future__ import annotations

from datetime import date

import pytest

from ingestion.books import region_file, transaction
from operations.rebuilding.order import again, note_order
from settings import Settings

OLD, NEW = (date(2026, 1, 5), date(2026, 1, 9)), (date(2026, 3, 1), date(2026, 3, 3))


@pytest.fixture
def con(tmp_path):
    with region_file(Settings(warehouse=tmp_path), "eu") as con:
        pend(con, *OLD)
        pend(con, *NEW)
        yield con


def pend(con, first, last):
    con.execute(
        "insert into ops.pending_days (day, reason) select day, 'x' from (select unnest(generate_series("
        "?::date, ?::date, interval 1 day))::date as day)",
        [first, last],
    )


def settle(con, first, last):
    with transaction(con):
        con.execute("delete from ops.pending_days where day between ? and ?", [first, last])
        con.execute(
            "insert or replace into ops.days select day, 1, null, 'x', false from (select unnest(generate_series("
            "?::date, ?::date, interval 1 day))::date as day)",
            [first, last],
        )
        note_order(con, first, last)


def pending(con):
    return con.execute("select min(day), max(day) from ops.pending_days").fetchall()[0]


def test_in_ascending_order_each_is_built_once(con):
    settle(con, *OLD)
    settle(con, *NEW)
    assert (pending(con), again(con)) == ((None, None), 0)


def test_what_was_built_early_is_pending_again_when_the_older_days_are_settled(con):
    settle(con, *NEW)
    assert pending(con) == OLD
    settle(con, *OLD)
    assert (pending(con), again(con)) == (NEW, 1)
    settle(con, *NEW)
    assert (pending(con), again(con)) == ((None, None), 1)


def test_it_waits_for_the_last_of_the_older_windows(con):
    pend(con, date(2026, 2, 1), date(2026, 2, 2))
    settle(con, *NEW)
    settle(con, *OLD)
    assert pending(con) == (date(2026, 2, 1), date(2026, 2, 2))
    settle(con, date(2026, 2, 1), date(2026, 2, 2))
    assert pending(con) == NEW
