"""Rebuild a region's window of days: build the models, reconcile with the ledger, then settle the days."""

from __future__ import annotations

from datetime import date

import duckdb

from ingestion.books import region_file, transaction
from quality.reconcile import reconcile
from settings import PermanentError, Settings

# How far a pending day has come, in place of the reason why it is pending.
_REBUILDING, _BUILT = "rebuilding", "built; failed tests: "


def begin(settings: Settings, region: str, first: date, last: date) -> tuple[date, date]:
    """The days to rebuild of an open-ended window: no earlier or later than there is data.

    They become pending, so that a build that is cut short is done again, and not published meanwhile.
    """
    with region_file(settings, region) as con:
        first, last = _bounds(con, first, last)
        con.execute("""
            insert or replace into ops.pending_days
            select unnest(generate_series($first::date, $last::date, interval 1 day))::date, $mark
            """, {"first": first, "last": last, "mark": _REBUILDING})  # fmt: skip
    return first, last


def _bounds(con: duckdb.DuckDBPyConnection, first: date, last: date) -> tuple[date, date]:
    known = con.execute("""
        select min(day), max(day) from (select day from ops.pending_days union all select day from ops.days)
        where day between $first and $last""", {"first": first, "last": last}).fetchall()[0]  # fmt: skip
    if known[0] is None:
        raise PermanentError(f"nothing has landed for {max(first, date(1, 1, 2))} to {last}")
    return known


def mark_built(settings: Settings, region: str, first: date, last: date, failed_tests: list[str]) -> None:
    """Say of the days that were just rebuilt that they were, and with which dbt tests failing, for :func:`settle`.

    A day that was planned anew since :func:`begin` is left out, since the build may have missed what is new.
    """
    with region_file(settings, region) as con:
        con.execute(
            "update ops.pending_days set reason = $built where reason = $mark and day between $first and $last",
            {"first": first, "last": last, "mark": _REBUILDING, "built": _BUILT + ", ".join(sorted(failed_tests))},
        )


def settle(settings: Settings, region: str, first: date, last: date) -> dict[date, str]:
    """Judge the days that were just rebuilt and take them off the pending list, in one transaction.

    Returns:
        The days to withhold, each with its reason.

    Raises:
        PermanentError: none of the days was rebuilt since it became pending.
    """
    with region_file(settings, region) as con, transaction(con):
        built = dict(
            con.execute(
                "select day, substr(reason, len($built) + 1) from ops.pending_days"
                " where starts_with(reason, $built) and day between $first and $last order by day",
                {"first": first, "last": last, "built": _BUILT},
            ).fetchall()
        )
        if not built:
            raise PermanentError(f"{region}: no day of this window was rebuilt; run the models of these days first")
        withheld = reconcile(con, settings, region, min(built), max(built))
        withheld = {day: reason for day, reason in withheld.items() if day in built}
        withheld |= {day: f"test failed: {tests}" for day, tests in built.items() if tests and day not in withheld}
        build = con.execute("select coalesce(max(build), 0) + 1 from ops.days").fetchall()[0][0]
        con.executemany(
            "insert or replace into ops.days values (?, ?, ?)", [(day, build, withheld.get(day)) for day in built]
        )
        con.execute(
            "delete from ops.pending_days where starts_with(reason, $built) and day between $first and $last",
            {"first": first, "last": last, "built": _BUILT},
        )
    return withheld
