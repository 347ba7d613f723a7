"""A region's budget book: what of each month's epsilon is booked, and what was drawn for it, for ever.

It is one file of JSON lines, replaced whole under a lock, so that a process killed at any moment leaves the lines of
before or of after. A line is a booking or a draw and never changes; merging two books is the union of their lines. The
only key is the month: neither a new name, nor a view, nor a configuration makes new budget.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

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


class BudgetBook:
    """The book of `region` in `path`; made at the first booking, and only then."""

    def __init__(self, path: Path, region: str) -> None:
        self.path, self.region = path, region

    def draws(self) -> dict[tuple[date, Release], Draw]:
        """Every stored draw. Of two for the same, which only a merge can bring, the first drawn stands."""
        lines = self._lines()
        bookings = {line["booking"]: line for line in lines if line["line"] == "booking"}
        found: dict[tuple[date, Release], Draw] = {}
        for line in sorted((one for one in lines if one["line"] == "draw"), key=lambda one: (one["at"], _text(one))):
            booking = bookings[line["booking"]]
            key = (date.fromisoformat(booking["month"]), booking["release"])
            found.setdefault(key, Draw(*key, Decimal(booking["epsilon"]), line["result"]))
        return found

    def spent(self, month: date) -> Decimal:
        """The epsilon that is booked for the month; a booking that two lives of the book drew for counts twice."""
        return _spent(self._lines(), month)

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

    def merge(self, other: Path) -> int:
        """Take over the lines of another life of this book, such as a restored one; never lose one of ours.

        Returns:
            How many lines were new.

        Raises:
            PermanentError: it cannot be read, or is another region's.
        """
        theirs = _read(other)
        if any(line.get("region", self.region) != self.region for line in theirs):
            raise PermanentError(f"{other} is the budget book of another region than {self.region}")
        with self._locked():
            known = {_text(line) for line in self._lines()}
            new = [line for line in theirs if _text(line) not in known]
            if new:
                self._append(*new)
        return len(new)

    def _booking(self, month: date, release: Release) -> dict[str, Any] | None:
        """A booking without a draw."""
        lines = self._lines()
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

    def _lines(self) -> list[dict[str, Any]]:
        return _read(self.path) if self.path.exists() else []

    def _append(self, *lines: dict[str, Any]) -> None:
        """On disk when this returns, or as it was."""
        old = self.path.read_bytes() if self.path.exists() else b""
        fresh = self.path.with_name(f".{self.path.name}.new")
        descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(old + b"".join(_text(line).encode() + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One draw at a time, over processes; a killed one lets go."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _read(path: Path) -> list[dict[str, Any]]:
    """The lines of a book; one that cannot be read whole is refused, since what it forgets would be spent again."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        known = {line["booking"] for line in lines if line["line"] == "booking"}
        if not {line["booking"] for line in lines} <= known:
            raise ValueError("a draw without its booking")
    except (ValueError, KeyError, TypeError, OSError):
        raise PermanentError(f"the budget book {path} cannot be read: restore it first") from None
    return lines


def _spent(lines: list[dict[str, Any]], month: date) -> Decimal:
    drawn = [line["booking"] for line in lines if line["line"] == "draw"]
    return sum(
        (
            Decimal(line["epsilon"]) * max(1, drawn.count(line["booking"]))
            for line in lines if line["line"] == "booking" and line["month"] == month.isoformat()
        ),
        start=Decimal(0),
    )  # fmt: skip


def _text(line: dict[str, Any]) -> str:
    return json.dumps(line, sort_keys=True, separators=(",", ":"))
