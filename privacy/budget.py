"""A region's budget book: what of each month's epsilon is booked, and what was drawn for it, for ever.

It is one file of JSON lines, replaced whole under a lock, so that a process killed at any moment leaves the lines of
before or of after. A line is a booking or a draw and never changes; merging two books is the union of their lines. The
only key is the month: neither a new name, nor a view, nor a configuration makes new budget.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from privacy.line_book import Line, LineBook, line_text
from settings import PermanentError

Release = Literal["first", "correction"]
RELEASES: tuple[Release, ...] = ("first", "correction")


class BudgetError(PermanentError):
    """The month's budget does not hold what was asked of it; nothing was drawn."""

    def __init__(self, month: date, spent: Decimal, asked: Decimal, limit: Decimal) -> None:
        self.month, self.spent, self.asked, self.limit = month, spent, asked, limit
        super().__init__(
            f"the release of {month:%Y-%m} asks for epsilon {asked}, {spent} of {limit} is spent: nothing was drawn"
        )


@dataclass(frozen=True)
class Draw:
    """What was drawn for a month, as stored: the same each time it is asked for."""

    month: date
    release: Release
    epsilon: Decimal
    result: dict[str, Any]


class BudgetBook(LineBook):
    """The book of a region; made at the first booking, and only then."""

    def draws(self) -> dict[tuple[date, Release], Draw]:
        """Every stored draw. Of two for the same, which only a merge can bring, the first drawn stands."""
        lines = self.lines()
        bookings = {line["booking"]: line for line in lines if line["line"] == "booking"}
        found: dict[tuple[date, Release], Draw] = {}
        for line in sorted(
            (one for one in lines if one["line"] == "draw"), key=lambda one: (one["at"], line_text(one))
        ):
            booking = bookings[line["booking"]]
            key = (date.fromisoformat(booking["month"]), booking["release"])
            found.setdefault(key, Draw(*key, Decimal(booking["epsilon"]), line["result"]))
        return found

    def spent(self, month: date) -> Decimal:
        """The epsilon that is booked for the month; a booking that two lives of the book drew for counts twice."""
        return _spent(self.lines(), month)

    def draw(
        self, month: date, release: Release, epsilon: Decimal, limit: Decimal, at: str,
        make: Callable[[Decimal], dict[str, Any]],
    ) -> Draw:  # fmt: skip
        """The month's draw: the stored one, or else `make(epsilon)`, booked before it is drawn and stored after.

        What `make` returns is on disk before anyone sees it. So where a booking has no draw, the process died before
        it stored one, nobody saw what it may have drawn, and drawing again under that booking costs nothing more.

        Args:
            limit: how much may be booked for the month in all, with this.
            at: the moment, in ISO form.

        Raises:
            BudgetError: the booking would exceed `limit`.
        """
        with self._locked():
            stored = self.draws().get((month, release))
            if stored:
                return stored
            booking = self._booking(month, release) or self._book(month, release, epsilon, limit, at)
            booked = Decimal(booking["epsilon"])
            self._append({"line": "draw", "booking": booking["booking"], "at": at, "result": make(booked)})
            return self.draws()[month, release]

    def _booking(self, month: date, release: Release) -> dict[str, Any] | None:
        """A booking without a draw."""
        lines = self.lines()
        drawn = {line["booking"] for line in lines if line["line"] == "draw"}
        asked = (month.isoformat(), release)
        waiting = [
            line for line in lines
            if line["line"] == "booking" and line["booking"] not in drawn and (line["month"], line["release"]) == asked
        ]  # fmt: skip
        return waiting[0] if waiting else None

    def _book(self, month: date, release: Release, epsilon: Decimal, limit: Decimal, at: str) -> dict[str, Any]:
        spent = self.spent(month)
        if epsilon <= 0 or spent + epsilon > limit:
            raise BudgetError(month, spent, epsilon, limit)
        booking = {"line": "booking", "booking": uuid.uuid4().hex, "region": self.region, "month": month.isoformat(),
                   "release": release, "epsilon": str(epsilon), "at": at}  # fmt: skip
        self._append(booking)
        return booking

    def _append(self, line: Line) -> None:
        self._write([line_text({"region": self.region} | line)])

    def _check(self, lines: list[Line]) -> None:
        known = {line["booking"] for line in lines if line["line"] == "booking"}
        if not {line["booking"] for line in lines} <= known:
            raise ValueError("a draw without its booking")


def _spent(lines: list[Line], month: date) -> Decimal:
    drawn = [line["booking"] for line in lines if line["line"] == "draw"]
    return sum(
        (
            Decimal(line["epsilon"]) * max(1, drawn.count(line["booking"]))
            for line in lines if line["line"] == "booking" and line["month"] == month.isoformat()
        ),
        start=Decimal(0),
    )  # fmt: skip
