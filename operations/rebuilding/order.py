"""Newest days first: what is rebuilt before older days that it reads, is rebuilt once more after them."""

from __future__ import annotations

from datetime import date

import duckdb

from ingestion.books import meta, put_meta

_EARLY, _AGAIN = "rebuilt_early", "rebuilt_again"


def note_order(con: duckdb.DuckDBPyConnection, first: date, last: date) -> None:
    """After a window was settled: note that older days were pending, or have those noted before rebuilt, if none is.

    Days read what earlier ones left, so in ascending order each is built once. After an outage the newest are built
    first, to be right as far as they can soonest; what older days then change in them is made good here. Call it in the
    transaction that settles the window.
    """
    noted = meta(con, _EARLY)
    early = tuple(map(date.fromisoformat, noted.split())) if noted else None
    oldest = con.execute("select min(day) from ops.pending_days").fetchall()[0][0]
    if oldest is not None and oldest < first:
        begin, end = (min(first, early[0]), max(last, early[1])) if early else (first, last)
        put_meta(con, _EARLY, f"{begin} {end}")
    elif early and (oldest is None or oldest >= early[0]):
        con.execute("delete from ops.meta where key = ?", [_EARLY])
        con.execute(
            """insert into ops.pending_days (day, reason)
            select day, 'built before older days' from ops.days where build > 0 and day between ? and ?
            on conflict do update set state = 'pending', tables = null""",
            [*early],
        )
        put_meta(con, _AGAIN, str(again(con) + 1))


def again(con: duckdb.DuckDBPyConnection) -> int:
    """How often days became pending that way: a request to rebuild them is a new one."""
    return int(meta(con, _AGAIN) or 0)
