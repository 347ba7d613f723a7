"""The floor: DuckDB's own typed read of the same files into a table. Its SQL never changes."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

SQL = """
create table events as select * from read_json($files, format = 'newline_delimited', columns = {
    messageId: 'VARCHAR', type: 'VARCHAR', event: 'VARCHAR', anonymousId: 'VARCHAR', userId: 'VARCHAR',
    timestamp: 'VARCHAR', receivedAt: 'VARCHAR',
    context: 'STRUCT(campaign STRUCT(source VARCHAR, medium VARCHAR, name VARCHAR, id VARCHAR),
        page STRUCT(url VARCHAR, referrer VARCHAR), userAgent VARCHAR, ip VARCHAR,
        consent STRUCT(categoryPreferences STRUCT(Analytics BOOLEAN, Advertising BOOLEAN)))',
    properties: 'STRUCT(order_id VARCHAR, revenue VARCHAR, tax VARCHAR, shipping VARCHAR, discount VARCHAR,
        total VARCHAR, currency VARCHAR)'})
"""


def seconds(landing: Path, folder: Path, runs: int = 3) -> float:
    """The best of `runs` reads of every archive under `landing` into a database file, on two threads."""
    files = [str(path) for path in sorted(landing.glob("*/events/topics/**/*.json*"))]
    best = float("inf")
    for run in range(runs):
        path = folder / f"floor-{run}.duckdb"
        with duckdb.connect(str(path), config={"threads": 2}) as con:
            begun = time.perf_counter()
            con.execute(SQL, {"files": files})
            best = min(best, time.perf_counter() - begun)
        path.unlink()
    return best
