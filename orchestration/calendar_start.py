"""Where the calendar of partitions begins: said once in a process, before the definitions are loaded."""

from __future__ import annotations

from datetime import date

from operations import status
from settings import Settings

# Raw events live 395 days by default. Every day before belongs to the first partition, so that none is out of reach; a
# calendar that began long before would have each run go through keys that nobody fills.
EARLIEST = date(date.today().year - 2, 1, 1)
_first = EARLIEST


def first_day() -> date:
    """The day of the first partition."""
    return _first


def begin_with(settings: Settings) -> None:
    """Have the calendar begin with the first day that the warehouse knows of, so that none stands empty before it.

    Before there is one, and where no region says, it begins where it would have.
    """
    global _first
    said = [one.get("first_day") for one in status.snapshots(settings)]
    known = [date.fromisoformat(day) for day in said if day]
    if known:
        _first = max(EARLIEST, min(known))
