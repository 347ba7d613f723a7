"""That steps of small cells are held, while it is not known what versions since have shown of which orders.

A region's file that is older than the last one that was published from, as after a restore, has forgotten how far cells
had stepped. Its months that changed since are built once without any step, and what waits in them counts as what could
have been shown: a cell moves again when k buyers have come that no version can have known.
"""

from __future__ import annotations

from datetime import date

import duckdb

from ingestion.books import meta, put_meta

_KEY = "held_steps"  # in `ops.meta`: the months, separated by commas
_ALL = "all"


def hold(con: duckdb.DuckDBPyConnection) -> None:
    """Hold the steps of all months that change until they have been built once."""
    put_meta(con, _KEY, _ALL)


def are_held(con: duckdb.DuckDBPyConnection, first: date, last: date) -> bool:
    """Whether the build of these days must not step."""
    held = meta(con, _KEY) or ""
    return held == _ALL or any(f"{first:%Y-%m}" <= month <= f"{last:%Y-%m}" for month in held.split(",") if month)


def let_go_of_built(con: duckdb.DuckDBPyConnection) -> None:
    """Once days were settled: hold no month that has nothing left to be rebuilt."""
    held = meta(con, _KEY)
    if held:
        rows = con.execute("select distinct strftime(day, '%Y-%m') from ops.pending_days order by all").fetchall()
        left = [month for (month,) in rows if held == _ALL or month in held.split(",")]
        put_meta(con, _KEY, ",".join(left))
