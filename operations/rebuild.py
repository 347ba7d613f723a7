"""Rebuild a region's window of days: build the models, reconcile with the ledger, then settle the days."""

from __future__ import annotations

import json
from datetime import date

import duckdb

from ingestion.books import meta, put_meta, region_file, transaction
from quality.reconcile import reconcile
from settings import PermanentError, Settings


def begin(settings: Settings, region: str, first: date, last: date) -> tuple[date, date]:
    """The days to rebuild of an open-ended window: no earlier or later than there is data.

    They become pending, so that a build that is cut short is done again, and not published meanwhile.
    """
    with region_file(settings, region) as con:
        first, last = _bounds(con, first, last)
        con.execute("""
            insert into ops.pending_days
            select unnest(generate_series($first::date, $last::date, interval 1 day))::date, 'rebuilding'
            on conflict do nothing""", {"first": first, "last": last})  # fmt: skip
    return first, last


def _bounds(con: duckdb.DuckDBPyConnection, first: date, last: date) -> tuple[date, date]:
    known = con.execute("""
        select min(day), max(day) from (select day from ops.pending_days union all select day from ops.days)
        where day between $first and $last""", {"first": first, "last": last}).fetchall()[0]  # fmt: skip
    if known[0] is None:
        raise PermanentError(f"nothing has landed for {max(first, date(1, 1, 2))} to {last}")
    return known


def note_tests(settings: Settings, region: str, failed: list[str]) -> None:
    """Remember which dbt tests failed, for :func:`settle`, which runs as a step of its own."""
    with region_file(settings, region) as con:
        put_meta(con, "failed_tests", json.dumps(sorted(failed)))


def settle(settings: Settings, region: str, first: date, last: date) -> dict[date, str]:
    """Judge the days that were just rebuilt and take them off the pending list, in one transaction.

    Returns:
        The days to withhold, each with its reason.
    """
    with region_file(settings, region) as con, transaction(con):
        first, last = _bounds(con, first, last)
        withheld = reconcile(con, settings, region, first, last)
        con.execute(
            "create or replace temp table settled as"
            " select day from ops.pending_days where day between $first and $last"
            " union select day from ops.days where day between $first and $last",
            {"first": first, "last": last},
        )
        if failed_tests := json.loads(meta(con, "failed_tests") or "[]"):
            reason = f"test failed: {', '.join(failed_tests)}"
            days = con.execute("select day from settled").fetchall()
            withheld = {day: withheld.get(day, reason) for (day,) in days}
        con.execute("""
            insert or replace into ops.days
            select day, (select coalesce(max(build), 0) + 1 from ops.days), null from settled""")
        for day, reason in withheld.items():
            con.execute("update ops.days set withheld_reason = ? where day = ?", [reason, day])
        con.execute("delete from ops.pending_days where day in (select day from settled)")
    return withheld
