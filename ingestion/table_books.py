"""Books of spend, ledger and rates by row: whose rows are in the tables, which were refused, and what was noted."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from ingestion.sources.tabular.read import REFUSED

# A delivery replaces its file's rows, unless it is corrupt: those there now are of the last that was loaded.
LAST_DELIVERIES = """
    select max(archive_id) as archive_id, name as file from ops.archives
    where kind in ('spend', 'ledger') and state = 'loaded' group by name"""
# Rows that are missing, by day and kind; a row whose day cannot be read is missing on every day of its file.
REFUSED_DAYS = f"""
    select archives.kind, archives.name, refused_days.day, refused_days.records
    from ops.refused_days join ({LAST_DELIVERIES}) using (archive_id) join ops.archives using (archive_id)"""
# The rows themselves, each once, with the days that they are missing on.
REFUSED_ROWS = f"""
    select refused_rows.archive_id, refused_rows.line, archives.kind,
        coalesce(refused_rows.day, of_file.first) as first_day,
        greatest(coalesce(refused_rows.until, refused_rows.day, of_file.last), first_day) as last_day
    from ops.refused_rows join ({LAST_DELIVERIES}) using (archive_id) join ops.archives using (archive_id)
    join (select archive_id, min(day) as first, max(day) as last from ops.refused_days group by all) as of_file
        using (archive_id)"""
_LONGEST_PERIOD = 366


def remove_orders(con: duckdb.DuckDBPyConnection, where: str) -> int:
    """Delete rows of the ledger for good, and count them, so that the books still balance with what is there.

    Call it in a transaction. A later delivery of the file begins anew.
    """
    con.execute(f"""
        insert into ops.removed_events
        select archive_id, count(*) from raw.ledger_orders join ({LAST_DELIVERIES}) using (file)
        where {where} group by all
        on conflict do update set records = removed_events.records + excluded.records""")
    return con.execute(f"delete from raw.ledger_orders where {where}").fetchall()[0][0]


def missing_by_day(refused: pl.DataFrame, covered: pl.Series) -> pl.DataFrame:
    """How many rows are missing on each day: those refused, on their days, or on all that the file covers.

    Args:
        refused: rows of ``REFUSED``.
        covered: the days of the rows that were read.

    Returns:
        ``day`` and ``records``, sorted.
    """
    last = pl.min_horizontal(
        pl.col("until").fill_null(pl.col("day")), pl.col("day") + pl.duration(days=_LONGEST_PERIOD)
    )
    dated = refused.filter(pl.col("day").is_not_null()).with_columns(last=pl.max_horizontal(last, "day"))
    by_day = dated.select(pl.date_ranges("day", "last").alias("day")).explode("day")
    every_day = pl.concat([covered.rename("day").to_frame().cast({"day": pl.Date}), by_day]).unique()
    undated = refused.filter(pl.col("day").is_null())
    found = pl.concat([by_day, every_day.join(undated.select("line"), how="cross").select("day")])
    return found.drop_nulls().group_by("day").agg(pl.len().cast(pl.Int64).alias("records")).sort("day")


def book_refused(
    con: duckdb.DuckDBPyConnection, archive_id: int, kind: str, refused: pl.DataFrame, missing: pl.DataFrame
) -> None:
    """Enter the rows that a file's delivery could not give, and leave the days on which that changes for the planner.

    Call it in the transaction of the books, after the delivery was entered.
    """
    before = dict(con.execute("""
        select day, sum(records)::bigint from ops.refused_days where archive_id = (
            select max(archive_id) from ops.archives join ops.refused_days using (archive_id)
            where archives.archive_id < $id and name = (select name from ops.archives where archive_id = $id))
        group by day""", {"id": archive_id}).fetchall())  # fmt: skip
    now_missing = dict(missing.iter_rows())
    changed = [day for day in before.keys() | now_missing.keys() if before.get(day) != now_missing.get(day)]
    for table, frame in (("refused_rows", refused.select(REFUSED.names())), ("refused_days", missing)):
        if len(frame):
            con.register("refused", frame.with_columns(archive_id=pl.lit(archive_id, pl.Int32)).to_arrow())
            con.execute(f"insert into ops.{table} by name from refused")
            con.unregister("refused")
    if changed:
        what = "spend" if kind == "spend" else "refused"
        con.executemany("insert into ops.changes values (?, ?, null)", [[what, day] for day in sorted(changed)])


def vanished(con: duckdb.DuckDBPyConnection, present: set[str]) -> tuple[set[str], set[str]]:
    """Of tables: those that are gone from the landing zone and of which that was not told, and those that came back."""
    booked = {name for (name,) in con.execute(f"select file from ({LAST_DELIVERIES})").fetchall()}
    told = {name for (name,) in con.execute("select name from ops.vanished_files").fetchall()}
    return booked - present - told, told & present


def tell_vanished(con: duckdb.DuckDBPyConnection, present: set[str], now: datetime) -> list[str]:
    """Note which tables are gone from the landing zone, so that it is told once; their rows stay.

    Returns:
        Those of which it was not told before.
    """
    gone, back = vanished(con, present)
    for name in sorted(gone):
        con.execute("insert into ops.vanished_files values (?, ?)", [name, now])
    for name in back:
        con.execute("delete from ops.vanished_files where name = ?", [name])
    return sorted(gone)
