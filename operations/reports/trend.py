"""How it went: by day, smoothed over a week, and by month, with what may still move marked."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from operations.reports import sums
from operations.reports.channels import BRIEF
from operations.reports.marts import Marts, Row
from operations.reports.period import RUNNING, is_running
from operations.reports.tables import Column, Ratio, Table, with_ratios

_DAYS = 120  # that the chart shows
_WEEK = 7
FINAL, NOT_FINAL = "final", "not final"


def days(marts: Marts) -> list[Row]:
    """A row for each of the last days: margin and spend of the seven days up to it, and how far it can be relied on."""
    known = {row["date"]: row for row in sums.days(marts)}
    if not known:
        return []
    last = max(known)
    final_through = max((day for day, row in known.items() if row["is_final"]), default=date.min)
    first = max(min(known) + timedelta(days=_WEEK - 1), last - timedelta(days=_DAYS - 1))
    return [
        {
            "date": day,
            **{name: sum((_of(known, day - timedelta(days=n), name) for n in range(_WEEK)), Decimal(0))
               for name in ("margin", "spend")},
            "state": _state_of_day(marts, day, known.get(day), final_through),
        }
        for day in (first + timedelta(days=n) for n in range(max((last - first).days + 1, 0)))
    ]  # fmt: skip


def _state_of_day(marts: Marts, day: date, row: Row | None, final_through: date) -> str:
    """A day on which nothing happened is as final as those after it."""
    if is_running(marts, day):
        return RUNNING
    return FINAL if (row["is_final"] if row else day <= final_through) else NOT_FINAL


def _of(known: dict[date, Row], day: date, name: str) -> Decimal:
    found: Decimal = known[day][name] if day in known else Decimal(0)
    return found


def months(marts: Marts, count: int) -> Table:
    """A row for each of the last months, newest first, with its state."""
    columns = (
        Column("month", "Month", "month"), Column("state", "State", "text"), Column("orders", "Orders", "count"),
        Column("new_customers", "New customers", "count"), *BRIEF,
        Column("cac", "Spend per new customer", "money", Ratio("spend", "new_customers"),
               "All spend for each new customer, whatever brought them; CAC of a channel is what it spent on its own."),
    )  # fmt: skip
    rows = [with_ratios({**row, "state": state(marts, row)}, columns) for row in sums.months(marts)[-count:]]
    return Table("months", "Month by month", columns, rows[::-1])


def state(marts: Marts, row: Row) -> str:
    """Of a month: how far its figures can be relied on."""
    return RUNNING if is_running(marts, row["month"]) else FINAL if row["is_final"] else NOT_FINAL
