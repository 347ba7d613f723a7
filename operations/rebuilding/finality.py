"""Which days are final: the input has passed them by 35 days, nothing of them is withheld, and no loss is known."""

from __future__ import annotations

import json
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import duckdb

from ingestion.books import meta, put_meta
from ingestion.gaps import ARCHIVE_SPANS, CONTIGUOUS
from settings import Settings

FINAL_AFTER = timedelta(days=35)

# No later than the load, so that one record from a wrong clock makes nothing final.
WATERMARK = f"""
    select max(least(latest, coalesce(first_seen_at, latest)))
    from ({ARCHIVE_SPANS}) left join ops.archives using (archive_id)"""

# An overlap is a redelivery, so a hole begins only beyond the furthest offset reached before. What could not be read
# is lost until the same file comes whole. What a lost record spoke of lies between its neighbours, or as long before
# as finality waits for late ones; where there is no neighbour to tell, anywhere.
_LOST = f"""
    with spans as ({ARCHIVE_SPANS}),
    loaded as (
        select * from ops.archives left join spans using (archive_id) where kind = 'events' and state = 'loaded'
    ),
    reached as (
        select start_offset, max(start_offset + records) over before as offset_before,
            max(latest) over before as latest_before, min(earliest) over after as earliest_after
        from loaded where {CONTIGUOUS}
        window before as (partition by topic, partition order by start_offset, records
                          rows between unbounded preceding and 1 preceding),
            after as (partition by topic, partition order by start_offset, records
                      rows between current row and unbounded following)
    ),
    broken as (
        select * from ops.archives as broken where state = 'corrupt' and not exists (
            from ops.archives as whole
            where whole.kind = broken.kind and whole.name = broken.name and whole.state = 'loaded'
                and whole.archive_id > broken.archive_id)
    )
    select latest_before, earliest_after from reached where start_offset > offset_before
    union all
    select
        (select max(latest) from loaded where broken.kind = 'events' and topic = broken.topic
            and partition = broken.partition and start_offset < broken.start_offset),
        (select min(earliest) from loaded where broken.kind = 'events' and topic = broken.topic
            and partition = broken.partition and start_offset > broken.start_offset)
    from broken"""


def finalise(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> None:
    """Mark the days that have become final, those that showed nothing among them; what is final stays so.

    Call it in a transaction. ``final_through`` of ``ops.meta`` then names the last day that the input has passed by 35.
    """
    zone = _zone(settings, region)
    watermark = con.execute(WATERMARK).fetchall()[0][0]
    # What has landed and is not planned yet may be of any day.
    if watermark is None or con.execute("select count(*) from ops.changes").fetchall() != [(0,)]:
        return
    through = watermark.replace(tzinfo=UTC).astimezone(zone).date() - FINAL_AFTER
    if (known := final_through(con)) is None or through > known:
        put_meta(con, "final_through", through.isoformat())
    _enter_empty_days(con, through, settings.retention.ledger_days)
    con.execute("create or replace temp table lost_days (first date, last date)")
    for latest_before, earliest_after in con.execute(_LOST).fetchall():
        first = latest_before and latest_before.replace(tzinfo=UTC).astimezone(zone).date() - FINAL_AFTER
        last = earliest_after and earliest_after.replace(tzinfo=UTC).astimezone(zone).date()
        con.execute("insert into lost_days values (?, ?)", [first or date.min, last or date.max])
    con.execute(
        """update ops.days set is_final = true
        where not is_final and day <= ? and withheld_reason is null
            and day not in (select day from ops.pending_days)
            and not exists (from lost_days where day between first and last)""",
        [through],
    )


def _enter_empty_days(con: duckdb.DuckDBPyConnection, through: date, kept_days: int) -> None:
    """Enter the days from the first known one to `through` that showed nothing, as build 0.

    An earlier first day that is found later counts only 35 days on, since history may come in pieces, in any order.
    """
    known: dict[str, str] = json.loads(meta(con, "first_days") or "{}")  # each with the `through` that it counts from
    first = con.execute("select min(day)::varchar from ops.days where build > 0").fetchall()[0][0]
    if first and first < min(known, default="~"):
        known[first] = str(through + FINAL_AFTER if known else through)
        put_meta(con, "first_days", json.dumps(known))
    if starts := [date.fromisoformat(day) for day, since in known.items() if since <= str(through)]:
        con.execute(
            """insert into ops.days
            select unnest(generate_series($first::date, $through::date, interval 1 day)), 0, null, 'nothing', false
            on conflict do nothing""",
            {"first": max(min(starts), through - timedelta(days=kept_days)), "through": through},
        )


def final_through(con: duckdb.DuckDBPyConnection) -> date | None:
    """The last day that the input has passed by 35; months that end by then keep the weights they have learned."""
    return _day(con, "final_through")


def kept_through(con: duckdb.DuckDBPyConnection) -> date | None:
    """The last day before which retention has disposed of raw events: what is stored of days up to it stands."""
    return _day(con, "kept_through")


def sessions_through(con: duckdb.DuckDBPyConnection) -> date | None:
    """The last day whose sessions are no longer built, since retention has disposed of them or of their events."""
    return _day(con, "sessions_through")


def closed_through(con: duckdb.DuckDBPyConnection) -> date | None:
    """The last day whose orders retention has disposed of: nothing of it is ever rebuilt."""
    return _day(con, "closed_through")


def frozen_through(con: duckdb.DuckDBPyConnection) -> date | None:
    """Months that end by then keep what they have learned."""
    return max(filter(None, (final_through(con), kept_through(con))), default=None)


def _day(con: duckdb.DuckDBPyConnection, key: str) -> date | None:
    known = meta(con, key)
    return date.fromisoformat(known) if known else None


def _zone(settings: Settings, region: str) -> ZoneInfo:
    is_configured = settings.regions is None or region in settings.regions
    return ZoneInfo(settings.region(region).timezone if is_configured else "UTC")
