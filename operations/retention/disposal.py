"""What is past its period in one region's file: found, taken out, and booked, in the caller's transaction.

Finance keeps what it has: days whose raw rows go are carried forward as they stand (see
:mod:`operations.rebuilding.finality`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from ingestion import dead_letters
from ingestion.books import meta, put_meta, remove_events
from ingestion.gaps import ARCHIVE_SPANS
from ingestion.table_books import remove_orders
from operations.rebuilding.finality import closed_through, kept_through
from operations.rebuilding.rules import is_built
from operations.removal.anonymise import anonymise_orders, stepping_tables
from operations.removal.rewrite import REWRITE_DUE
from operations.retention.overdue import Reach, overdue
from settings import Settings


@dataclass(frozen=True)
class Disposal:
    """What went of one class of data, or would go."""

    where: str  # the region, or "warehouse"
    what: str
    rule: str
    before: date  # the first day that is still within the period
    count: int
    blocked: str | None = None  # why something of it cannot go yet


def dispose(con: duckdb.DuckDBPyConnection, settings: Settings, region: str, now: datetime) -> list[Disposal]:
    """Take out what is past its period, and book it in ``ops.disposals``. Call it in a transaction."""
    reach, periods = Reach.of(settings, region, now), settings.retention
    local = f"cast(timezone('{reach.zone}', timezone('UTC', {{}})) as date)"
    done = [_dead_letters(con, region, periods.dead_letter_days, now)]
    if is_built(con):
        open_from, reason = _open_from(con)
        raw = _raw_events(con, reach.raw, open_from, local)
        blocked = reason if overdue(con, reach)["raw events"] else None
        done.append(Disposal(region, "raw events", f"retention.raw_days: {periods.raw_days}", reach.raw, raw, blocked))
        touches = _touches(con, reach.touches)
        done.append(
            Disposal(
                region, "sessions and touches", f"retention.touch_days: {periods.touch_days}", reach.touches, touches
            )
        )
        for what, rule, before, step in (
            ("persons on orders", f"retention.customer_days: {periods.customer_days}", reach.buyers, _persons),
            ("orders with their credit", f"retention.ledger_days: {periods.ledger_days}", reach.ledger, _orders),
        ):
            settled, why = _settled_before(con, before)
            count = step(con, settings, settled, local)
            done.append(Disposal(region, what, rule, before, count, why if overdue(con, reach)[what] else None))
    if any(one.count for one in done):
        put_meta(con, REWRITE_DUE, "yes")
    done.append(_backlog_history(con, region, periods.probe_days, now))  # of no person: its bytes may stay
    booked = [(now.replace(tzinfo=None), one.what, one.rule, one.before, one.count) for one in done if one.count]
    if booked:
        con.executemany("insert into ops.disposals values (?, ?, ?, ?, ?)", booked)
    return [one for one in done if one.count or one.blocked]


def _open_from(con: duckdb.DuckDBPyConnection) -> tuple[date, str | None]:
    """The first day that still waits for a rebuild, which needs what is behind it."""
    if con.execute("select count(*) from ops.changes").fetchall() != [(0,)]:
        return date.min, "what has landed is not planned yet: `romi run`"
    first = con.execute("select min(day) from ops.pending_days").fetchall()[0][0]
    return (date.max, None) if first is None else (first, f"days from {first} wait for their rebuild: `romi run`")


def _dead_letters(con: duckdb.DuckDBPyConnection, region: str, days: int, now: datetime) -> Disposal:
    limit = now - timedelta(days=days)
    gone = dead_letters.dispose(con, limit.replace(tzinfo=None))
    return Disposal(region, "dead letters", f"retention.dead_letter_days: {days}", limit.date(), gone)


def _backlog_history(con: duckdb.DuckDBPyConnection, region: str, days: int, now: datetime) -> Disposal:
    limit = (now - timedelta(days=days)).date()
    gone = con.execute('delete from ops.backlog_history where "at" < ?', [limit]).fetchall()[0][0]
    return Disposal(region, "history of the backlog", f"retention.probe_days: {days}", limit, gone)


def _raw_events(con: duckdb.DuckDBPyConnection, before: date, open_from: date, local: str) -> int:
    """Raw events of the days before; those of the last one stay a day longer, as a session may go on past midnight."""
    kept = min(before, open_from - timedelta(days=1)) if open_from > date.min else date.min
    kept = max(kept, kept_through(con) or date.min)
    day = local.format("occurred_at")
    [(gone,)] = con.execute(f"select count(*) from raw.events where {day} < ?", [kept]).fetchall()
    if not gone:
        return 0
    con.execute(
        f"""create or replace temp table spans as
        from ({ARCHIVE_SPANS}) semi join (from raw.events where {day} < $kept) using (archive_id)""",
        {"kept": kept},
    )
    con.execute("insert or replace into ops.archive_spans by name from spans")
    _keep_sightings(con, day, kept)
    remove_events(con, f"{day} < $kept", {"kept": kept})
    put_meta(con, "kept_through", kept.isoformat())
    _put_later(con, "sessions_through", kept)
    return gone


def _keep_sightings(con: duckdb.DuckDBPyConnection, day: str, kept: date) -> None:
    """Who was seen on which device outlives the events: one row for each user in a row, which says all that counts."""
    con.execute(
        f"""
        create or replace temp table sightings as
        with known as (
            select message_id, message_order, occurred_at, anonymous_id, user_id, occurred_at as last_seen_at
            from raw.events where anonymous_id is not null and user_id is not null and {day} < $kept
            union all from ops.past_sightings
        ),
        marked as (
            select *, user_id is distinct from lag(user_id) over device as is_other
            from known window device as (partition by anonymous_id order by occurred_at, message_order, message_id)
        ),
        numbered as (
            select *, sum(is_other::integer) over (
                partition by anonymous_id order by occurred_at, message_order, message_id) as turn
            from marked
        )
        select message_id, message_order, occurred_at, anonymous_id, user_id,
            max(last_seen_at) over (partition by anonymous_id, turn) as last_seen_at
        from numbered qualify is_other""",
        {"kept": kept},
    )
    con.execute("delete from ops.past_sightings; insert into ops.past_sightings from sightings")


def _touches(con: duckdb.DuckDBPyConnection, before: date) -> int:
    """Sessions, touches and the evidence of who used which device; credit keeps its channel and its day."""
    gone = 0
    for table in ("int_sessions__starts", "int_sessions__touchpoints"):
        gone += _deleted(con, f"intermediate.{table}", "touched_on < $before", before)
    gone += _deleted(con, "ops.past_sightings", "last_seen_at < $before", before)
    gone += _deleted(
        con,
        "ops.device_owners",
        """anonymous_id not in (
        select anonymous_id from raw.events where anonymous_id is not null
        union select anonymous_id from ops.past_sightings)""",
    )
    con.execute("""
        delete from intermediate.int_identity__device_users where (anonymous_id, user_id) not in (
            select (anonymous_id, user_id) from raw.events where anonymous_id is not null and user_id is not null
            union select (anonymous_id, user_id) from ops.past_sightings
            union select (anonymous_id, user_id) from ops.device_owners)""")
    con.execute(
        "update intermediate.int_attribution__touch_credits set touch_id = null"
        " where touched_on < ? and touch_id is not null",
        [before],
    )
    if gone:  # where their events are still here, they are not made of them again
        _put_later(con, "sessions_through", before - timedelta(days=1))
    return gone


def _settled_before(con: duckdb.DuckDBPyConnection, before: date) -> tuple[date, str | None]:
    """The first month before `before` that is not settled whole: what can still be rebuilt needs its persons."""
    first, waits = con.execute("""
        select date_trunc('month', min(day))::date, bool_or(is_pending) from (
            select day, false as is_pending from ops.days
            where not is_final
                and day > coalesce((select value::date from ops.meta where key = 'kept_through'), '0001-01-01')
            union all select day, true from ops.pending_days
        ) where day < ?""", [before]).fetchall()[0]  # fmt: skip
    if con.execute("select count(*) from ops.changes").fetchall() != [(0,)]:
        return date.min, "what has landed is not planned yet: `romi run`"
    if first is None:
        return before, None
    return first, f"days from {first} " + ("wait for their rebuild: `romi run`" if waits else "are not final yet")


def _persons(con: duckdb.DuckDBPyConnection, settings: Settings, before: date, local: str) -> int:
    """Orders of whole months lose their persons; of buyers who came again, that they had ordered before is kept."""
    old = "person_id is not null and ordered_on < $before"
    orders = con.execute(
        f"select order_id from intermediate.int_orders__conversions where {old}", {"before": before}
    ).fetchall()
    if orders:
        con.execute(f"""
            create or replace temp table came_again as
            select person_id, max(ordered_on) as last_ordered_on
            from intermediate.int_orders__conversions
            where {old} and conversion_type = 'Order Completed' group by person_id""", {"before": before})  # fmt: skip
        anonymise_orders(con, [order_id for (order_id,) in orders], settings.attribution.lapsed_after_days)
        con.execute("insert or replace into ops.past_buyers from came_again")
    con.execute("""
        delete from ops.past_buyers where person_id not in (
            select person_id from intermediate.int_orders__conversions where person_id is not null)""")
    return len(orders)


def _orders(con: duckdb.DuckDBPyConnection, settings: Settings, before: date, local: str) -> int:
    """Orders of whole months go with their weights and credit. From then on nothing of these days is rebuilt."""
    _persons(con, settings, before, local)
    con.execute(f"""
        create or replace temp table old_orders as
        select order_id from intermediate.int_orders__conversions where ordered_on < $before
        union
        select order_id from raw.ledger_orders group by order_id
        having {local.format("arg_max(ordered_at, updated_at)")} < $before""", {"before": before})  # fmt: skip
    of_them = "order_id in (from old_orders)"
    gone = _deleted(con, "intermediate.int_orders__conversions", of_them) + remove_orders(con, of_them)
    for table in ("intermediate.int_orders__segments", "ops.settled_orders"):
        _deleted(con, table, of_them)
    for table, day in (("quarantine", "coalesce(day, set_aside_at::date)"), ("unpriced_orders", "day")):
        _deleted(con, f"ops.{table}", f"{day} < $before", before)
    # Weights of what the ledger took away, too, which has no order.
    _deleted(con, "intermediate.int_attribution__touch_credits", f"{of_them} or ordered_on < $before", before)
    for table in stepping_tables(con):
        _deleted(con, f"intermediate.{table}", f"{of_them} or month < $before", before)
    if gone and (closed_through(con) or date.min) < before:
        put_meta(con, "closed_through", (before - timedelta(days=1)).isoformat())
    return gone


def _deleted(con: duckdb.DuckDBPyConnection, table: str, where: str, before: date | None = None) -> int:
    parameters = {"before": before} if before else {}
    return con.execute(f"delete from {table} where {where}", parameters).fetchall()[0][0]


def _put_later(con: duckdb.DuckDBPyConnection, key: str, day: date) -> None:
    known = meta(con, key)
    if known is None or date.fromisoformat(known) < day:
        put_meta(con, key, day.isoformat())
