"""What a region's file has to publish: how far it is, which days it holds back, and its finance rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb

from ingestion.books import region_file
from operations.finance_tables.data_quality import measure_quality
from operations.finance_tables.published_tables import DATA_QUALITY, OF_REGIONS, Table, columns_of
from operations.rebuilding.finality import WATERMARK, final_through
from operations.rebuilding.rules import is_built
from operations.removal.erasure import remaining
from operations.service_levels.usable import Answer, answers, yesterday
from operations.store.memory import marks
from operations.store.memory.findings import of_open_region
from operations.switches import unpublished_models
from privacy import storage
from quality import sli
from settings import PermanentError, Settings, TransientError, UsageError

# Columns that tell whether a month has ended: SQL of the parameter `running_month`.
OF_CLOCK = {
    "is_partial": "coalesce(month >= $running_month::date, false) as is_partial",
    "is_complete": "coalesce(month < $running_month::date, true) as is_complete",
}
_HELD_BACK = """
    select day from ops.days where withheld_reason is not null union select day from ops.pending_days order by day"""


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
    final_through: str | None  # last day that the input has passed by 35; None where it has not come that far
    final_days: int
    carried_over: bool = False
    last_day: str | None = None  # the newest day that was ever built
    withheld_touch_days: list[str] = field(default_factory=list)  # of the touches of withheld days' orders
    identity: str | None = None  # of the region's file: in a new one builds are counted from the beginning
    refused_rows: int = 0
    running_month: str | None = None  # its first day, where days of a month that has not ended are built


@dataclass(frozen=True)
class Reading:
    """A region as its file has it: its state, and its rows by table where they were asked for."""

    state: RegionState
    rows: dict[str, Any] = field(default_factory=dict)  # Arrow tables
    builds: Any = None  # Arrow table: day, build, rebuilt_for
    facts: Any = None  # Arrow table: what the service levels are measured by
    answers: tuple[Answer, ...] = ()


def read_region(settings: Settings, region: str, *, with_rows: bool) -> Reading:
    """Read a region's state, and its finance rows of the days that are not held back.

    Raises:
        RegionLateError: its file is missing, broken, of another version, held by a writer, or not built yet.
    """
    if not settings.region_file(region).is_file():
        raise RegionLateError("its file is missing")
    try:
        with region_file(settings, region, read_only=True) as con:
            if lost := of_open_region(con, settings, region):
                raise RegionLateError(lost.what)
            state = _state(con, yesterday(settings, region) + timedelta(days=1))
            if not with_rows:
                return Reading(state)
            if count := remaining(con, settings, region):
                raise RegionLateError(
                    f"its file holds {count} rows of persons who were erased; `romi run` removes them"
                )
            rows = _rows(con, settings, region, state)
            builds = con.execute("select day, build, rebuilt_for from ops.days").to_arrow_table()
            sli.make_facts(con, settings, region)
            facts = con.execute("from facts").to_arrow_table()
            return Reading(state, rows, builds, facts, tuple(answers(con, settings, region)))
    except TransientError as error:
        if any(said in str(error.__cause__) for said in ("Could not set lock", "file handle conflict")):
            raise RegionLateError("a writer holds its file", is_passing=True) from error
        raise RegionLateError(f"its file cannot be read: {_first_line(error.__cause__)}") from error
    except (duckdb.Error, PermanentError, UsageError) as error:
        raise RegionLateError(f"its file cannot be read: {_first_line(error)}") from error


def _first_line(error: BaseException | None) -> str:
    return str(error).partition("\n")[0]


def _state(con: duckdb.DuckDBPyConnection, today: date) -> RegionState:
    build, days, final_days, last_day = con.execute(
        """select coalesce(max(build), 0), count(*) filter (build > 0), count(*) filter (is_final),
            max(day) filter (build > 0) from ops.days"""
    ).fetchall()[0]
    if not days:
        raise RegionLateError("it has not been built yet")
    watermark = con.execute(WATERMARK).fetchall()[0][0]
    through = final_through(con)
    waiting = [day for (day,) in con.execute(_HELD_BACK).fetchall()]
    return RegionState(
        build=build,
        built_days=days,
        withheld_days=[day.isoformat() for day in waiting],
        input_watermark=watermark and watermark.isoformat(),
        final_through=through.isoformat() if through else None,
        final_days=final_days,
        last_day=last_day.isoformat(),
        withheld_touch_days=[day.isoformat() for day in _touch_days(con, waiting)],
        identity=marks.identity(con),
        refused_rows=con.execute("select coalesce(sum(records), 0)::bigint from ops.refused_days").fetchall()[0][0],
        running_month=today.replace(day=1).isoformat() if last_day >= today.replace(day=1) else None,
    )


def held_back(settings: Settings, table: Table, state: RegionState) -> list[date]:
    """The periods of `table` whose rows must not come from the region's file."""
    if table.is_verdict:
        return []
    days, touched = ([date.fromisoformat(day) for day in of] for of in (state.withheld_days, state.withheld_touch_days))
    return _periods_with(settings, table, state, days, touched)


def _touch_days(con: duckdb.DuckDBPyConnection, days: list[date]) -> list[date]:
    """The days of the touches that orders of `days` are credited to, wherever the ledger has put the orders."""
    if not days or not is_built(con):
        return []
    query = """
        select distinct touched_on from intermediate.int_attribution__touch_credits
        where ordered_on = any(?) order by touched_on"""
    return [day for (day,) in con.execute(query, [days]).fetchall()]


def _periods_with(
    settings: Settings, table: Table, state: RegionState, days: list[date], touched: list[date]
) -> list[date]:
    """The periods of `table` that orders of `days` are in: the days, their months, or the days of their touches.

    Args:
        touched: the days of the touches that they are credited to; those of the look-back may have been before.
    """
    if table.is_cumulative and days:
        last = max(*days, date.fromisoformat(state.last_day)) if state.last_day else max(days)
        days = [min(days) + timedelta(n) for n in range((last - min(days)).days + 1)]
    if table.period == "month":
        return sorted({day.replace(day=1) for day in days})
    if not table.is_by_touch:
        return days
    # A look-back of days of 24 hours can begin on the calendar day before.
    reach = range(settings.attribution.longest_lookback_days + 2)
    return sorted({*touched, *(day - timedelta(days=n) for day in days for n in reach)})


def _rows(con: duckdb.DuckDBPyConnection, settings: Settings, region: str, state: RegionState) -> dict[str, Any]:
    """The rows that may be published, by table, with ``is_final``; a table that has not been made yet has none."""
    made = columns_of(con, storage.ALIAS)
    days = [day for (day,) in con.execute("select day from ops.days where not is_final").fetchall()]
    touched = _touch_days(con, days)
    is_measured = measure_quality(con, region)
    off = unpublished_models(settings, region)
    return {
        table.name: _rows_of(con, settings, table, state, _periods_with(settings, table, state, days, touched), off)
        for table in OF_REGIONS
        if str(table) in made or (table is DATA_QUALITY and is_measured)
    }


def _rows_of(
    con: duckdb.DuckDBPyConnection, settings: Settings, table: Table, state: RegionState, not_final: list[date],
    off: list[str],
) -> Any:  # fmt: skip
    last_day = "last_day(month)" if table.period == "month" else table.period
    later = settings.attribution.longest_lookback_days + 1 if table.is_by_touch else 0
    is_final = f"""coalesce({last_day} + {later} <= $final_through::date, false)
        and not list_contains($not_final::date[], {table.period}) as is_final"""
    made = {"is_final": is_final, **OF_CLOCK}
    columns = ", ".join(made.get(name, name) for name in table.columns)
    parameters: dict[str, Any] = {}
    if OF_CLOCK.keys() & table.columns.keys():
        parameters["running_month"] = state.running_month
    if "is_final" in table.columns:
        parameters |= {"final_through": state.final_through, "not_final": not_final}
    which = "true"
    if "attribution_model" in table.columns:
        which = "not list_contains($unpublished::varchar[], attribution_model)"
        parameters["unpublished"] = off
    if table.period:
        which += f" and not list_contains($held_back::date[], {table.period})"
        parameters["held_back"] = held_back(settings, table, state)
    place = table.name if table is DATA_QUALITY else table  # a temporary table, as the file is open for reading
    query = f"select {columns} from {place} where {which} order by {', '.join(table.grain)}"
    return con.execute(query, parameters).to_arrow_table()
