"""How long archives wait from being opened to being committed: what the service level of ingest is measured by."""

from __future__ import annotations

import os
import time
from collections.abc import Collection

import duckdb

from ingestion.records import naive_utc
from settings import now

# What is promised is promised of an archive of this size that does not come in a flood, where throughput counts.
SMALL, _FEW = 1_000, 10
_warm: set[int] = set()  # this process, once it has committed


def book_latency(con: duckdb.DuckDBPyConnection, archives: int, opened: Collection[float]) -> None:
    """Enter the milliseconds that small archives took which were just committed.

    None where there were many, and none of a process's first commit: the promise is that of a warm worker.

    Args:
        archives: how many the commit was of.
        opened: by the clock of ``time.perf_counter``, of those of at most :data:`SMALL` records that were read.
    """
    ended, moment = time.perf_counter(), naive_utc(now())
    took = [(ended - one) * 1000 for one in opened]
    is_warm = os.getpid() in _warm
    _warm.add(os.getpid())
    if took and is_warm and archives <= _FEW:
        con.execute(
            "insert into ops.sli select 'ingest_latency_ms', $now::date, $now, 1, null, unnest($took::double[])",
            {"now": moment, "took": took},
        )
