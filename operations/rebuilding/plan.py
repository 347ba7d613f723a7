"""Which days to rebuild: every (region, day) whose published rows can differ after a load, and hardly another.

A load leaves what changed in ``ops.changes``; planning turns that into ``ops.pending_days`` in one transaction. A day
stays pending until it is rebuilt, whatever is killed in between.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from itertools import groupby, pairwise

import duckdb

from ingestion.books import meta, put_meta, transaction
from operations.rebuilding.changed_days import changed_days
from operations.rebuilding.finality import closed_through, finalise, frozen_through
from operations.rebuilding.rules import OF_EXPERIMENTS, is_built, moved_tables
from operations.rebuilding.set_aside import set_implausible_aside
from settings import Settings

MAX_WINDOWS = 8
LEARNING_DAYS = 90
_LATEST_DAY = "select max(day) as day from ops.days where build > 0"


def plan(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> int:
    """Turn what changed into pending days.

    Returns:
        How many days are pending now.
    """
    local_day = _local_day(settings, region)
    with transaction(con):
        note_rules(con, settings, region)
        set_implausible_aside(con, settings, region)
        if is_built(con) and con.execute("select count(*) from ops.changes").fetchone() != (0,):
            for reason, days in changed_days(con, settings, local_day).items():
                _add(con, reason, days)
        _plan_experiments(con, settings, region)
        con.execute("delete from ops.changes")
        _join_split_orders(con, local_day)
        _complete_months(con)
        finalise(con, settings, region)
    row = con.execute("select count(*) from ops.pending_days").fetchone()
    return row[0] if row else 0


def note_rules(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> None:
    """Make pending what other models or another configuration fill otherwise: of all days, those tables alone.

    Call it in a transaction.
    """
    moved, every_day = moved_tables(con, settings, region), _every_day(_local_day(settings, region))
    if moved is None or not is_built(con):
        _add(con, "first build, or changed rules", every_day)
    elif moved <= OF_EXPERIMENTS and moved:
        _add(con, "changed rules", _LATEST_DAY, sorted(moved))
    elif moved:
        _add(con, "changed rules", every_day, sorted(moved))


def judge_anew(con: duckdb.DuckDBPyConnection) -> int:
    """Make days that are withheld pending, with the months they share; returns how many. Call it in a transaction."""
    before = con.execute("select count(*) from ops.pending_days").fetchall()[0][0]
    _add(con, "withheld", "select day from ops.days where withheld_reason is not null")
    _complete_months(con)
    return int(con.execute("select count(*) from ops.pending_days").fetchall()[0][0] - before)


def _local_day(settings: Settings, region: str) -> str:
    return f"cast(timezone('{settings.region(region).timezone}', timezone('UTC', {{}})) as date)"


def _join_split_orders(con: duckdb.DuckDBPyConnection, local_day: str) -> None:
    """An order whose event falls on a later day than the ledger's needs the touches up to that day in its window."""
    _add(con, "between an order's day and its event", f"""
        with placed as (
            select {local_day.format("ordered_at")} as ordered_on, {local_day.format("occurred_at")} as happened_on
            from raw.ledger_orders join raw.events using (order_id) where event = 'Order Completed'
        )
        select unnest(generate_series(ordered_on, happened_on, interval 1 day))::date as day
        from placed semi join (from ops.pending_days where tables is null) on ordered_on = day
        where happened_on > ordered_on""")  # fmt: skip


def _complete_months(con: duckdb.DuckDBPyConnection) -> None:
    """A month's map of cells, and the weights that it learns from the 90 days up to its end, concern all its days.

    What changes cost or an experiment alone changes no other day, and changed rules change all of them.
    """
    frozen = frozen_through(con) or date.min
    _add(con, "month's cells and learned weights", f"""
        with changed as (
            select distinct date_trunc('month', day)::date as month, day from ops.pending_days
            where reason not in ('cost', 'experiments', 'refused rows') and tables is null
        ),
        months as (
            select month from changed
            union select distinct learning.month
            from (select distinct date_trunc('month', day)::date as month from ops.days where build > 0) as learning
            join changed
                on changed.day between last_day(learning.month) - {LEARNING_DAYS - 1} and last_day(learning.month)
            where last_day(learning.month) > $frozen_through
        )
        select day from ops.days where build > 0 and date_trunc('month', day)::date in (select month from months)
            and day not in (select day from ops.pending_days where tables is null)
        """, frozen_through=frozen)  # fmt: skip


def _plan_experiments(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> None:
    """Experiments are built whole by any build, so one day is enough for what changed in them."""
    experiments = settings.experiments_of(region)
    told = "".join(f"{name}: {one.model_dump_json()}\n" for name, one in sorted(experiments.items()))
    digest = hashlib.sha256(f"{told}{settings.privacy.release_model}".encode()).hexdigest()[:16]
    have_events = "select count(*) > 0 from ops.changes where kind in ('archive', 'event')"
    is_changed = (meta(con, "experiments") or digest) != digest
    if is_changed or (experiments and con.execute(have_events).fetchone() == (True,)):
        _add(con, "experiments", _LATEST_DAY)  # all of its tables: what is new may link devices to persons as well
    put_meta(con, "experiments", digest)


def _every_day(local_day: str) -> str:
    return f"""
        select {local_day.format("occurred_at")} as day from raw.events
        where type in ('page', 'screen') or order_id is not null
        union select {local_day.format("ordered_at")} from raw.ledger_orders
        union select spend_on from raw.spend
        union select day from ops.days where build > 0"""


def _add(
    con: duckdb.DuckDBPyConnection, reason: str, days: str, tables: list[str] | None = None, **parameters: date
) -> None:
    """Make days pending: all their tables, or some, which is not enough for days that are withheld or were never built.

    Args:
        days: a query whose column is called ``day``.
    """
    con.execute(
        # A day that is being rebuilt has to be rebuilt again; one whose orders are disposed of can't be.
        f"""insert into ops.pending_days (day, reason, tables)
        select distinct found.day, $reason,
            case when days.build > 0 and withheld_reason is null then $tables::varchar[] end
        from ({days}) as found left join ops.days on found.day = days.day
        where found.day is not null and found.day > $closed_through
        on conflict do update set state = 'pending',
            tables = case when tables is not null and excluded.tables is not null
                then list_sort(list_distinct(tables || excluded.tables)) end,
            reason = if(contains(reason, excluded.reason), reason, reason || '; ' || excluded.reason)""",
        {"reason": reason, "tables": tables, "closed_through": closed_through(con) or date.min, **parameters},
    )


def windows(con: duckdb.DuckDBPyConnection) -> list[tuple[date, date]]:
    """The pending days as windows in ascending order, both ends included.

    Later days read what earlier ones left, so the order matters. No two windows share a month, which has common maps
    and weights; months in which only some tables are pending stand apart from others; and many scattered windows are
    joined across the smallest gaps until there are at most 8.
    """
    pending = con.execute("select day, tables is null from ops.pending_days order by day").fetchall()
    whole = {day.replace(day=1) for day, is_whole in pending if is_whole}
    days = [day for day, _ in pending]
    groups = [list(group) for _, group in groupby(days, key=lambda day: day.replace(day=1) in whole)]
    found = [window for group in groups for window in split_windows(group)]
    return found if len(found) <= MAX_WINDOWS else split_windows(days)


def tables_to_rebuild(con: duckdb.DuckDBPyConnection, first: date, last: date) -> tuple[str, ...] | None:
    """The tables that are pending on the days `first` to `last`; None for all."""
    found = con.execute("select tables from ops.pending_days where day between ? and ?", [first, last]).fetchall()
    if any(tables is None for (tables,) in found):
        return None
    return tuple(sorted({name for (tables,) in found for name in tables}))


def split_windows(days: list[date]) -> list[tuple[date, date]]:
    """:func:`windows` of sorted, distinct days."""
    gaps = sorted((later - earlier for earlier, later in pairwise(days)), reverse=True)
    allowed = max(gaps[MAX_WINDOWS - 1], timedelta(days=1)) if len(gaps) >= MAX_WINDOWS else timedelta(days=1)
    found: list[tuple[date, date]] = []
    for day in days:
        if found and (day - found[-1][1] <= allowed or day.replace(day=1) == found[-1][1].replace(day=1)):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
