"""Closed months in a version being built: their rows are those of their locks, and what came later is adjusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from operations.closes.locks import Lock, all_locks, month_name, next_month
from operations.finance_tables.adjustments import bases, book_adjustments, note_totals
from operations.finance_tables.published_tables import (
    CLOSED_MONTHS,
    INCREMENTAL_ROMI,
    OF_REGIONS,
    Columns,
    Table,
    in_sql,
)
from operations.finance_tables.version_tables import Source, quoted
from operations.publishing.region_marts import held_back
from settings import PermanentError, Settings


@dataclass(frozen=True)
class Closed:
    """Every close that ever was; those in force are shown."""

    locks: tuple[Lock, ...]

    @classmethod
    def of(cls, settings: Settings) -> Closed:
        """Of a warehouse.

        Raises:
            PermanentError: one cannot be read, or was closed in another currency.
        """
        found = cls(tuple(all_locks(settings)))
        for lock in found.in_force:
            if (currency := lock.manifest["currency"]) != settings.reporting_currency:
                raise PermanentError(
                    f"{lock} was closed in {currency}: keep `reporting_currency: {currency}`, or open it again first"
                    f" (`romi close {lock} --reopen --reason …`)"
                )
        return found

    @property
    def in_force(self) -> list[Lock]:
        return [lock for lock in self.locks if lock.is_in_force]

    @property
    def open_month(self) -> date | None:
        """The month in which adjustments are booked: the one after the last that was ever closed."""
        return next_month(self.locks[-1].month) if self.locks else None


def closes_of(settings: Settings) -> dict[str, int]:
    """The closed months with the number of their close, as a version's manifest has them."""
    return {month_name(lock.month): lock.number for lock in Closed.of(settings).in_force}


def show_locked_rows(con: duckdb.DuckDBPyConnection, closed: Closed) -> None:
    """Put the locks' rows in the place of those that the regions' files have by now, whose totals are ``truth``."""
    con.execute('create temp table locked_days (closed_month date, "table" varchar, first_day date, last_day date)')
    for lock in closed.in_force:
        for table in OF_REGIONS:
            if days := lock.days(table):
                con.execute("insert into locked_days values (?, ?, ?, ?)", [lock.month, table.name, *days])
    note_totals(con, "truth")
    for lock in closed.in_force:
        for table in OF_REGIONS:
            if days := lock.days(table):
                _show(con, lock, table, days)
        con.execute(
            f"insert into {CLOSED_MONTHS} values (?, ?, ?::timestamp, ?, ?)",
            [lock.month, lock.number, lock.manifest["closed_at"], lock.version, lock.sha256],
        )
    note_totals(con, "shown")


def show_locked_incremental(con: duckdb.DuckDBPyConnection, closed: Closed) -> None:
    """The same for what is computed of the rows shown: a close that has kept none of it leaves what they give."""
    for lock in closed.in_force:
        if days := lock.days(INCREMENTAL_ROMI):
            _show(con, lock, INCREMENTAL_ROMI, days)


def _show(con: duckdb.DuckDBPyConnection, lock: Lock, table: Table, days: tuple[date, date]) -> None:
    con.execute(f"delete from {table} where {table.period} between ? and ?", days)
    rows = f"read_parquet({quoted(lock.figures(table))})"
    kept = [name for (name, *_) in con.execute(f"describe from {rows}").fetchall() if name in table.columns]
    con.execute(f"insert into {table} by name select {in_sql(kept)} from {rows}")  # later columns are NULL


def note_reopened(con: duckdb.DuckDBPyConnection, closed: Closed, last: Columns) -> None:
    """Have the restatements of months that were closed in the current version, and are not now, say so."""
    if str(CLOSED_MONTHS) not in last:
        return
    con.execute(
        f"""insert into builds
        select region, unnest(generate_series(month, last_day(month), interval 1 day))::date, build + 1,
            'the month was reopened'
        from last_good.{CLOSED_MONTHS}, shown_states where not list_contains($closed::date[], month)""",
        {"closed": [lock.month for lock in closed.in_force]},
    )


def adjust(
    con: duckdb.DuckDBPyConnection, settings: Settings, version: int, closed: Closed, sources: dict[str, Source],
    last: Columns,
) -> None:  # fmt: skip
    """Book what the closed months' truth differs by from what is shown and booked of them."""
    book_adjustments(con, version, closed.open_month, _unsettled(settings, closed, sources), last)


def _unsettled(settings: Settings, closed: Closed, sources: dict[str, Source]) -> Iterator[tuple[date, str, str]]:
    """Where rows of the current version stand in for a region's own, which for a closed month are its lock's."""
    for region, source in sources.items():
        for lock in closed.in_force:
            for table in bases():
                if (days := lock.days(table)) and _is_held_back(settings, source, table, days):
                    yield lock.month, region, table.name


def _is_held_back(settings: Settings, source: Source, table: Table, days: tuple[date, date]) -> bool:
    if source.late or source.state is None:
        return True
    return any(days[0] <= day <= days[1] for day in held_back(settings, table, source.state))


def is_closed(closes: dict[str, Any], period: date) -> bool:
    """Whether a day or month lies in a month that a version's manifest says is closed."""
    return month_name(period) in closes
