"""How long archives wait from being opened to being committed: what the service level of ingest is measured by."""

from __future__ import annotations

import os
import time
from collections.abc import Collection

import duckdb

from ingestion.books import Delivery
from ingestion.records import naive_utc
from settings import now

# Facts of service levels: so many events of a moment, so many of them bad; or one and what it took.
SLI_BOOK = """
    create table if not exists ops.sli (
        slo varchar not null, date date not null, counted_at timestamp not null, events bigint not null, bad bigint,
        value double)"""
# What is promised is promised of an archive of this size that does not come in a flood, where throughput counts.
_RECORDS, _ARCHIVES = 1_000, 10
_warm: set[int] = set()  # this process, once it has committed


def book_latency(con: duckdb.DuckDBPyConnection, group: Collection[Delivery]) -> None:
    """Enter the milliseconds that small archives took which were just committed.

    None where there were many, and none of a process's first commit: the promise is that of a warm worker.
    """
    ended, moment = time.perf_counter(), naive_utc(now())
    took = [(ended - one.opened) * 1000 for one in group if one.records <= _RECORDS and not one.problem]
    is_warm = os.getpid() in _warm
    _warm.add(os.getpid())
    if took and is_warm and len(group) <= _ARCHIVES:
        con.execute(SLI_BOOK)
        con.execute(
            "insert into ops.sli select 'ingest_latency_ms', $now::date, $now, 1, null, unnest($took::double[])",
            {"now": moment, "took": took},
        )
