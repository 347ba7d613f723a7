"""Take the rows of one file out again, booked, and let the days that they were of wait for their rebuild."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import duckdb

from ingestion.books import region_file, remove_events, transaction
from ingestion.load_tables import take_out
from operations import status
from operations.landed_files.listing import region_of
from operations.rebuilding import plan
from settings import Settings, UsageError


@dataclass
class Forgotten:
    """What was taken out: so many rows, and the days from the first to the last that wait for their rebuild."""

    region: str
    name: str
    rows: int
    days: list[tuple[date, date]] = field(default_factory=list)


def forget(settings: Settings, region: str | None, name: str) -> Forgotten:
    """Take a file's rows out of the region's tables. The file is not read again unless its content changes.

    Raises:
        UsageError: no such file was read, none of its rows is there, or it is the one of the rates.
    """
    home = region_of(settings, region, name)
    with region_file(settings, home) as con:
        found = con.execute(
            "select kind, list(archive_id) from ops.archives where name = ? and state = 'loaded' group by kind", [name]
        ).fetchone()
        if found is None:
            raise UsageError(f"nothing of {name} is there: it was refused, or forgotten before")
        kind, archives = found
        if kind == "fx":
            raise UsageError("the rates cannot be forgotten; land the ECB's file anew, it replaces what is there")
        if kind == "events":
            rows = _forget_events(con, settings, home, archives)
        else:
            with transaction(con):
                rows = take_out(con, kind, name)
                _book(con, archives)
        plan.plan(con, settings, home)
        windows = plan.windows(con)
        status.write_snapshot(con, settings, home)
    return Forgotten(home, name, rows, windows)


def _forget_events(con: duckdb.DuckDBPyConnection, settings: Settings, region: str, archives: list[int]) -> int:
    """The days are planned while the records are still there to tell them."""
    con.executemany("insert into ops.changes values ('archive', null, ?)", [[str(one)] for one in archives])
    plan.plan(con, settings, region)
    with transaction(con):
        rows = remove_events(con, f"archive_id in ({', '.join(map(str, archives))})")
        _book(con, archives)
    return rows


def _book(con: duckdb.DuckDBPyConnection, archives: list[int]) -> None:
    con.execute("update ops.archives set state = 'forgotten' where archive_id = any(?)", [archives])
