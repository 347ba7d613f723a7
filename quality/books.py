"""Checks on the books of ingest, as values: who asks (Dagster, a report) decides how to show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb

from ingestion.table_books import LAST_DELIVERIES

_TABLES = {"events": "events", "spend": "spend", "ledger": "ledger_orders", "fx": "fx_rates"}


@dataclass(frozen=True)
class BookCheck:
    """One check on a raw table: whether it holds, and the figures behind it."""

    table: str
    name: str
    is_passed: bool
    facts: dict[str, Any] = field(default_factory=dict)


def unbalanced_archives(con: duckdb.DuckDBPyConnection) -> int:
    """How many archives' records do not all have one fate, or are not once in the table though they were kept.

    Rows of reference rates are compared with no table: a row has many rates there, and a later one replaces them.
    """
    count: int = con.execute(f"""
        with fates as (
            select archive_id, sum(records) as counted, sum(records) filter (fate in ('loaded', 'anonymised')) as kept
            from ops.fates group by all
        ),
        last_deliveries as ({LAST_DELIVERIES}),
        lines as (
            select file, count(*) as records, count(distinct line) as distinct_lines from raw.spend group by all
            union all
            select file, count(*), count(distinct line) from raw.ledger_orders group by all
        ),
        doubled as (
            select archive_id from last_deliveries join lines using (file) where records <> distinct_lines
        ),
        stored as (
            select archive_id, sum(records)::bigint as stored from (
                select archive_id, count(*) as records from raw.events group by all
                union all by name select archive_id, records from last_deliveries join lines using (file)
                union all by name from ops.removed_events
            ) group by all
        ),
        checked as (
            select archive_id from ops.archives where kind = 'events' union all select archive_id from last_deliveries
        )
        select count(*) from ops.archives left join fates using (archive_id) left join stored using (archive_id)
        where archives.records <> coalesce(counted, 0)
            or (archive_id in (from checked) and coalesce(kept, 0) <> coalesce(stored, 0))
            or archive_id in (from doubled)""").fetchall()[0][0]
    return count


def book_checks(con: duckdb.DuckDBPyConnection) -> list[BookCheck]:
    """For every archive: records read = the sum over fates, and the kept ones are in the table, or removed for good."""
    read, counted = con.execute("""
        select (select coalesce(sum(records), 0) from ops.archives)::bigint,
               (select coalesce(sum(records), 0) from ops.fates)::bigint""").fetchall()[0]
    unbalanced = unbalanced_archives(con)
    corrupt = con.execute(
        "select kind, name, problem from ops.archives where state = 'corrupt' order by name"
    ).fetchall()
    breaches = [row for row in corrupt if row[2].startswith("contract")]
    whole = {name: problem for _, name, problem in corrupt[:50]}
    checks = [
        BookCheck(
            "events", "books_balance", not unbalanced, {"read": read, "fates": counted, "unbalanced": unbalanced}
        ),
        BookCheck("events", "archives_are_whole", not corrupt, {"corrupt": len(corrupt), **whole}),
    ]
    for kind, table in _TABLES.items():
        broken = {name: problem for found, name, problem in breaches if found == kind}
        checks.append(BookCheck(table, "pandera_contract", not broken, {"files": len(broken), **broken}))
    return checks
