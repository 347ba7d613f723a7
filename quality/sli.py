"""What the service levels are measured by: facts of a region's file, with a moment and a number of events each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import duckdb
import polars as pl

from ingestion.gaps import ARCHIVE_SPANS, OFFSETS_REACHED
from quality.slo import FACTS
from settings import Settings

Fact = tuple[str, date, datetime, bool]  # service level, day, moment, whether it went wrong
# A corrupt archive is as large as its topic's are on average, since nobody can tell.
_RECORDS = f"""
    with spans as ({ARCHIVE_SPANS}),
    counted as (
        select archive_id, sum(records) as counted, sum(records) filter (fate in ('loaded', 'anonymised')) as kept
        from ops.fates group by all
    ),
    stored as (
        select archive_id, sum(records) as stored from (
            select archive_id, count(*) as records from raw.events group by all
            union all by name from ops.removed_events
        ) group by all
    ),
    archives as (
        select archives.*, coalesce(latest, loaded_at) as latest_at, coalesce(earliest, loaded_at) as earliest_at,
            greatest(abs(records - coalesce(counted, 0)), abs(coalesce(kept, 0) - coalesce(stored, 0))) as lost
        from ops.archives left join spans using (archive_id) left join counted using (archive_id)
            left join stored using (archive_id)
        where kind = 'events'
    ),
    sizes as (
        select topic, greatest(1, round(avg(records))) as typical from archives where state = 'loaded' group by all
    )
    select latest_at as counted_at, records as events, least(lost, records) as bad from archives where state = 'loaded'
    union all
    select earliest_at, reached.start_offset - offset_before, reached.start_offset - offset_before
    from ({OFFSETS_REACHED}) as reached join archives using (archive_id) where reached.start_offset > offset_before
    union all
    select latest_at, coalesce(typical, 1), coalesce(typical, 1)
    from archives left join sizes using (topic) where state = 'corrupt'"""


def book(con: duckdb.DuckDBPyConnection, facts: list[Fact], from_day: date, to_day: date) -> None:
    """Replace what is known of the orders of a window of days, in the caller's transaction; counted by five minutes."""
    con.execute(
        "delete from ops.sli where slo in ('accuracy', 'event_match_rate') and date between ? and ?", [from_day, to_day]
    )
    if not facts:
        return
    schema: dict[str, Any] = {"slo": pl.String, "date": pl.Date, "happened_at": pl.Datetime("us"), "is_bad": pl.Boolean}
    con.register("facts_of_orders", pl.DataFrame(facts, schema=schema, orient="row").to_arrow())
    con.execute("""
        insert into ops.sli
        select slo, date, time_bucket(interval 5 minutes, happened_at), count(*), count(*) filter (is_bad), null
        from facts_of_orders group by all""")
    con.unregister("facts_of_orders")


def make_facts(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> None:
    """Make the temporary table ``facts`` of the region's file, as :func:`quality.slo.judge` takes it."""
    day = local_day(settings, region, "counted_at")
    columns = ", ".join(f"{name} {type_}" for name, type_ in FACTS.items())
    con.execute(f"create or replace temp table facts ({columns})")
    con.execute(
        f"""insert into facts
        select ?, 'records_accounted', {day}, counted_at, events::bigint, bad::bigint, null
        from ({_RECORDS}) where counted_at is not null""",
        [region],
    )
    con.execute(
        f"""insert into facts by name
        select $1 as region, * replace (case when value is null then date else {day} end as date) from ops.sli""",
        [region],
    )


def lost_records(con: duckdb.DuckDBPyConnection) -> dict[date, tuple[int, int]]:
    """Days on which records are lost or not accounted for, by what :func:`make_facts` made: of how many, how many."""
    rows = con.execute("""
        select date, sum(events)::bigint, sum(bad)::bigint from facts
        where slo = 'records_accounted' group by date having sum(bad) > 0""").fetchall()
    return {day: (events, bad) for day, events, bad in rows}


def local_day(settings: Settings, region: str, moment: str) -> str:
    """SQL for the region's calendar day of a moment in UTC."""
    is_configured = settings.regions is None or region in settings.regions
    zone = settings.region(region).timezone if is_configured else "UTC"
    return f"cast(timezone('{zone}', timezone('UTC', {moment})) as date)"
