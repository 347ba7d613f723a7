"""What a region's file has to publish: how far it is, which days it holds back, and its finance rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from ingestion.books import region_file
from operations.published_tables import FINANCE, Table
from settings import Settings, TransientError, UsageError

FINAL_AFTER = timedelta(days=35)

# No later than the load, so that one record from a wrong clock makes nothing final.
WATERMARK = """
    select max(least(latest, coalesce(first_seen_at, latest))) from (
        select archive_id, max(coalesce(received_at, occurred_at)) as latest from raw.events group by all
    ) left join ops.archives using (archive_id)"""
_HELD_BACK = """
    select day from ops.days where withheld_reason is not null union select day from ops.pending_days order by day"""
# An overlap is a redelivery, so a hole begins only beyond the furthest offset reached before. What could not be read
# is lost until the same file comes whole.
_HAS_LOSS = """
    with reached as (
        select start_offset, max(start_offset + records) over (
            partition by topic, partition
            order by start_offset, records rows between unbounded preceding and 1 preceding
        ) as offset_before
        from ops.archives where kind = 'events' and state = 'loaded'
    )
    select exists (from reached where start_offset > offset_before)
        or exists (
            from ops.archives as broken
            where state = 'corrupt' and not exists (
                from ops.archives as whole
                where whole.kind = broken.kind and whole.name = broken.name and whole.state = 'loaded'
                    and whole.archive_id > broken.archive_id
            )
        )"""


class RegionLateError(Exception):
    """The region cannot be read now; `is_passing` where only a writer holds its file."""

    def __init__(self, reason: str, *, is_passing: bool = False) -> None:
        self.reason, self.is_passing = reason, is_passing
        super().__init__(reason)


@dataclass(frozen=True)
class RegionState:
    """All that a region's published rows depend on: while it stays, so do they."""

    build: int
    built_days: int
    withheld_days: list[str]  # ISO dates: held back by the gate, or waiting for their rebuild
    input_watermark: str | None
    final_through: str | None  # last day that is final; None where input was lost or has not come far enough
    carried_over: bool = False


@dataclass(frozen=True)
class Reading:
    """A region as its file has it: its state, and its rows by table where they were asked for."""

    state: RegionState
    rows: dict[str, Any] = field(default_factory=dict)  # Arrow tables


def read_region(settings: Settings, region: str, *, with_rows: bool) -> Reading:
    """Read a region's state, and its finance rows of the days that are not held back.

    Raises:
        RegionLateError: its file is missing, broken, of another version, held by a writer, or not built yet.
    """
    if not settings.region_file(region).is_file():
        raise RegionLateError("its file is missing")
    try:
        with region_file(settings, region, read_only=True) as con:
            state = _state(con, settings, region)
            tables = FINANCE if with_rows else ()
            return Reading(state, {table.name: _rows(con, table, state) for table in tables})
    except duckdb.ConnectionException as error:
        raise RegionLateError("a writer of this process holds its file", is_passing=True) from error
    except TransientError as error:
        if "Could not set lock" in str(error.__cause__):
            raise RegionLateError("a writer holds its file", is_passing=True) from error
        raise RegionLateError(f"its file cannot be read: {_first_line(error.__cause__)}") from error
    except (duckdb.Error, UsageError) as error:
        raise RegionLateError(f"its file cannot be read: {_first_line(error)}") from error


def _first_line(error: BaseException | None) -> str:
    return str(error).partition("\n")[0]


def _state(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> RegionState:
    build, days = con.execute("select coalesce(max(build), 0), count(*) from ops.days").fetchall()[0]
    if not days:
        raise RegionLateError("it has not been built yet")
    watermark = con.execute(WATERMARK).fetchall()[0][0]
    has_loss = con.execute(_HAS_LOSS).fetchall()[0][0]
    final_through = None
    if watermark is not None and not has_loss:
        is_configured = settings.regions is None or region in settings.regions
        zone = ZoneInfo(settings.region(region).timezone if is_configured else "UTC")
        final_through = watermark.replace(tzinfo=UTC).astimezone(zone).date() - FINAL_AFTER
    return RegionState(
        build=build,
        built_days=days,
        withheld_days=[day.isoformat() for (day,) in con.execute(_HELD_BACK).fetchall()],
        input_watermark=watermark and watermark.isoformat(),
        final_through=final_through and final_through.isoformat(),
    )


def held_back(table: Table, state: RegionState) -> list[date]:
    """The periods of `table` whose rows must not come from the region's file: days, or the months they are in."""
    days = [date.fromisoformat(day) for day in state.withheld_days]
    return sorted({day.replace(day=1) for day in days}) if table.period == "month" else days


def _rows(con: duckdb.DuckDBPyConnection, table: Table, state: RegionState) -> Any:
    """The table's rows that may be published, with ``is_final``; none where it has not been made yet."""
    known = "select count(*) from duckdb_tables() where schema_name = ? and table_name = ?"
    if con.execute(known, [table.schema, table.name]).fetchall() == [(0,)]:
        return None
    last_day = "last_day(month)" if table.period == "month" else "date"
    is_final = f"coalesce({last_day} <= final_through, false) as is_final"
    columns = ", ".join(is_final if name == "is_final" else name for name in table.columns)
    return con.execute(
        f"""select {columns} from {table}, (select $final_through::date as final_through)
        where not list_contains($held_back::date[], {table.period}) order by {", ".join(table.grain)}""",
        {"final_through": state.final_through, "held_back": held_back(table, state)},
    ).to_arrow_table()
