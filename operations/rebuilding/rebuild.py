"""Rebuild a region's window of days: build the models, reconcile with the ledger, then settle the days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import duckdb

from ingestion.books import region_file, transaction
from operations.rebuilding.engine import Built, Event, Graph, engine_of, manifest
from operations.rebuilding.finality import closed_through, finalise
from operations.rebuilding.order import note_order
from operations.rebuilding.order_credit import offer_order_credit
from operations.rebuilding.plan import note_rules
from operations.rebuilding.rules import is_built
from operations.store.held_steps import let_go_of_built
from quality.anomalies import Finding, book_anomalies, recent_anomalies
from quality.books import unbalanced_archives
from quality.reconcile import reconcile
from settings import PermanentError, Settings


@dataclass(frozen=True)
class Asked:
    """What is to be built, where it isn't all: tables, and tests of tables that stay as they are."""

    tables: frozenset[str]
    tests: frozenset[str] = frozenset()


def build(
    settings: Settings, region: str, first: date, last: date, asked: Asked | None,
    on_event: Callable[[date, date, Event], None],
) -> tuple[date, date]:  # fmt: skip
    """Build what is asked for of a window of days, and note how far that is; :func:`settle` judges the days.

    Args:
        on_event: called with the first and the last of the days that are built, and dbt's event.

    Returns:
        The first and the last of the days that were built.

    Raises:
        PermanentError: what is asked for reads a table that isn't built, or nothing has landed for these days.
    """
    engine, graph = engine_of(settings), Graph.of(manifest())
    if asked:
        _check_inputs(settings, region, graph, asked)
    if asked and not asked.tables:
        with region_file(settings, region, read_only=True) as con:
            first, last = _bounds(con, first, last)
        engine.build(settings, region, first, last, sorted(asked.tests), partial(on_event, first, last))
        return first, last
    first, last = begin(settings, region, first, last, asked.tables & graph.stored if asked else None)
    chosen = sorted(asked.tables) if asked else None
    built = engine.build(settings, region, first, last, chosen, partial(on_event, first, last))
    mark_built(settings, region, first, last, built, graph if asked else None)
    return first, last


def _check_inputs(settings: Settings, region: str, graph: Graph, asked: Asked) -> None:
    """What is built by itself reads what is there."""
    with region_file(settings, region, read_only=True) as con:
        there = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    if missing := graph.read_by(asked.tables or asked.tests) - there:
        what = f"{min(asked.tables or asked.tests)} reads {', '.join(sorted(missing))}"
        raise PermanentError(
            f"{region}: {what}, which {'is' if len(missing) == 1 else 'are'} not built yet: build it with them, or all"
            " tables of these days"
        )


def begin(
    settings: Settings, region: str, first: date, last: date, tables: frozenset[str] | None = None
) -> tuple[date, date]:
    """The days to rebuild of an open-ended window: no earlier or later than there is data.

    Where days of the same months are pending, they are rebuilt with it, since a month's learned weights and its map of
    cells are common to all its days. The days become pending, so that a build that is cut short is done again, and not
    published meanwhile.

    Args:
        tables: the stored ones that are to be rebuilt, if not all. Of days that are withheld, or were never built, all
            of them stay pending.
    """
    with region_file(settings, region) as con, transaction(con):
        note_rules(con, settings, region)
        first, last = _bounds(con, first, last)
        days = "select unnest(generate_series($first::date, $last::date, interval 1 day))::date as day"
        window = {"first": first, "last": last}
        if tables is None:
            con.execute(f"""
                insert into ops.pending_days (day, reason, state) select day, 'rebuilt', 'rebuilding' from ({days})
                on conflict do update set state = 'rebuilding', failed_tests = null, tables = null
                """, window)  # fmt: skip
        else:
            con.execute(f"""
                insert into ops.pending_days (day, reason, state, tables)
                select found.day, 'rebuilt', 'rebuilding',
                    case when build > 0 and withheld_reason is null then $tables::varchar[] end
                from ({days}) as found left join ops.days using (day)
                on conflict do update set state = 'rebuilding',
                    tables = if(tables is null, null, list_sort(list_distinct(tables || $tables::varchar[])))
                """, {**window, "tables": sorted(tables)})  # fmt: skip
        _note_touch_days(con, first, last)
    return first, last


def _note_touch_days(con: duckdb.DuckDBPyConnection, first: date, last: date) -> None:
    """Where the rebuild may take credit away from, since touches can lie far from the day that the ledger gives.

    It is noted before, and for longer than one try: a build that is cut short leaves credit that no longer tells.
    """
    if is_built(con):
        con.execute("""
            update ops.pending_days
            set touched_from = least(touched_from, earliest), touched_to = greatest(touched_to, latest)
            from (
                select ordered_on, min(touched_on) as earliest, max(touched_on) as latest
                from intermediate.int_attribution__touch_credits where ordered_on between $first and $last group by all)
            where day = ordered_on""", {"first": first, "last": last})  # fmt: skip


def days_at_hand(settings: Settings, region: str, first: date, last: date) -> tuple[date, date] | None:
    """What :func:`begin` would rebuild of `first` to `last`; None where there is nothing."""
    with region_file(settings, region, read_only=True) as con:
        try:
            return _bounds(con, first, last)
        except PermanentError:
            return None


def _bounds(con: duckdb.DuckDBPyConnection, first: date, last: date) -> tuple[date, date]:
    if (closed := closed_through(con)) is not None:
        first = max(first, closed + timedelta(days=1))
    known = con.execute("""
        select min(day), max(day) from (
            select day from ops.pending_days union all select day from ops.days where build > 0)
        where day between $first and $last""", {"first": first, "last": last}).fetchall()[0]  # fmt: skip
    if known[0] is None:
        raise PermanentError(f"nothing has landed for {max(first, date(1, 1, 2))} to {last}")
    return con.execute("""
        select coalesce(least(min(day), $first), $first), coalesce(greatest(max(day), $last), $last)
        from ops.pending_days
        where date_trunc('month', day) in (date_trunc('month', $first::date), date_trunc('month', $last::date))
        """, {"first": known[0], "last": known[1]}).fetchall()[0]  # fmt: skip


def mark_built(
    settings: Settings, region: str, first: date, last: date, built: Built, graph: Graph | None = None
) -> None:
    """Say of the days that were just rebuilt which tables were, and with which dbt tests failing, for :func:`settle`.

    A day that was planned anew since :func:`begin` is left out, since the build may have missed what is new.

    Args:
        graph: of the tables, where not all were built: what is still pending stays so, and so does all that was built
            from it. A day is to be judged once nothing is pending of it.
    """
    with region_file(settings, region) as con, transaction(con):
        rebuilding = con.execute(
            "select day, tables, failed_tests from ops.pending_days where state = 'rebuilding' and day between ? and ?",
            [first, last],
        ).fetchall()
        for day, tables, failed in rebuilding:
            before = graph.stored if graph and tables is None else frozenset(tables or ())
            left = graph.stored_from(before - {*built.models}) & before if graph else frozenset()
            failing = {*(failed.split(", ") if failed and graph else ())} - {*built.tests} | {*built.failed_tests}
            con.execute(
                "update ops.pending_days set state = ?, tables = ?, failed_tests = ? where day = ?",
                ["pending" if left else "built", sorted(left), ", ".join(sorted(failing)) or None, day],
            )


def settle(settings: Settings, region: str, first: date, last: date) -> dict[date, str]:
    """Judge the days that were just rebuilt and take them off the pending list, in one transaction.

    Returns:
        The days to withhold, each with its reason.

    Raises:
        PermanentError: none of the days was rebuilt since it became pending.
    """
    with region_file(settings, region) as con, transaction(con):
        first, last = _bounds(con, first, last)
        built = {
            day: (reason, failed)
            for day, reason, failed in con.execute(
                "select day, reason, failed_tests from ops.pending_days"
                " where state = 'built' and day between ? and ? order by day",
                [first, last],
            ).fetchall()
        }
        if not built:
            raise PermanentError(f"{region}: no day of this window was rebuilt; run the models of these days first")
        withheld = _reasons(con, settings, region, {day: failed for day, (_, failed) in built.items()})
        build = con.execute("select coalesce(max(build), 0) + 1 from ops.days").fetchall()[0][0]
        con.executemany(
            """insert into ops.days values (?, ?, ?, ?, false)
            on conflict do update set build = excluded.build, withheld_reason = excluded.withheld_reason,
                rebuilt_for = excluded.rebuilt_for""",
            [(day, build, withheld.get(day), reason) for day, (reason, _) in built.items()],
        )
        con.execute("delete from ops.pending_days where state = 'built' and day between ? and ?", [first, last])
        let_go_of_built(con)
        note_order(con, min(built), max(built))
        finalise(con, settings, region)
        offer_order_credit(con)
    return withheld


def unusual(settings: Settings, region: str, first: date, last: date) -> list[Finding]:
    """What was found unusual of these days when they were last settled."""
    with region_file(settings, region, read_only=True) as con:
        return recent_anomalies(con, first, last)


def _reasons(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, built: dict[date, str | None]
) -> dict[date, str]:
    """The first thing found against each of the days that were just rebuilt, given the dbt tests that failed."""
    first, last = min(built), max(built)
    withheld = {day: reason for day, reason in reconcile(con, settings, region, first, last).items() if day in built}
    for day, failed in built.items():
        if failed:
            withheld.setdefault(day, f"test failed: {failed}")
    for one in book_anomalies(con, settings, region, first, last):
        if one.is_blocking and one.day in built:
            withheld.setdefault(one.day, f"unusual: {one}")
    if count := unbalanced_archives(con):
        for day in built:
            withheld.setdefault(day, f"the books of {count} archives do not balance")
    return withheld
