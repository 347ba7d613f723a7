"""Orders that a load shows to be implausible are set aside before the days are planned, and back when they are not."""

from __future__ import annotations

from dataclasses import astuple, fields

import duckdb
import polars as pl

from ingestion.books import meta, put_meta
from ingestion.records import naive_utc
from quality.plausible import BY, REASON, ImplausibleOrder, implausible_orders
from settings import Settings, now

_FOUND = pl.Schema({
    "order_id": pl.String(), "day": pl.Date(), "currency": pl.String(), "revenue_minor": pl.Int64(),
    "worth_cents": pl.Int64(), "usual_cents": pl.Int64(),
})  # fmt: skip
assert _FOUND.names() == [field.name for field in fields(ImplausibleOrder)]
_IS_OURS = f"set_aside_by = '{BY}' and released_at is null"


def set_implausible_aside(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> None:
    """Make ``ops.quarantine`` hold the orders that are implausible now, and name those that differ to the planner.

    What was decided of a day before it became final stands, and what a person released stays released. Call it in the
    planner's transaction.
    """
    # What it follows from besides the data; where neither differs, no verdict does.
    rules = f"{settings.region(region).timezone} {settings.reporting_currency}"
    if meta(con, "plausible") == rules and con.execute("select count(*) from ops.changes").fetchone() == (0,):
        return
    put_meta(con, "plausible", rules)
    found = [astuple(one) for one in implausible_orders(con, settings, region)]
    con.register("found_implausible", pl.DataFrame(found, schema=_FOUND, orient="row").to_arrow())
    con.execute(f"""
        create or replace temp table changed_verdicts as
        select order_id from found_implausible
            where order_id not in (select order_id from ops.quarantine where order_id is not null and {_IS_OURS})
        union all
        select order_id from ops.quarantine
        where {_IS_OURS} and order_id not in (select order_id from found_implausible)
            and day not in (select day from ops.days where is_final)
            and day > coalesce((select value::date from ops.meta where key = 'kept_through'), date '0001-01-01')""")
    con.execute("insert into ops.changes select 'order', null, order_id from changed_verdicts")
    con.execute(f"""
        delete from ops.quarantine
        where {_IS_OURS} and (order_id in (select order_id from changed_verdicts)
            or order_id in (select order_id from found_implausible))""")
    con.execute(
        f"""insert into ops.quarantine by name
        select *, '{REASON}' as reason, '{BY}' as set_aside_by, $now::timestamp as set_aside_at
        from found_implausible""",
        {"now": naive_utc(now())},
    )
    con.unregister("found_implausible")
