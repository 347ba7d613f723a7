"""The book of data-subject requests: what was asked, by when it is due, and each step, and nothing of who asked."""

from __future__ import annotations

import calendar
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from ingestion.records import naive_utc
from privacy.line_book import LineBook
from settings import Settings, now

RequestKind = Literal["access", "export", "erase", "rectify"]
DONE = "done"
_PLACE = ("line", "request", "step", "region")
_CCPA = timedelta(days=45)


@dataclass(frozen=True)
class Request:
    """A request in one region; moments are UTC, naive."""

    id: str
    kind: RequestKind
    region: str
    clock: str
    received_at: datetime
    due_at: datetime
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)  # by name: its moment and what it came to

    @property
    def done_at(self) -> datetime | None:
        return datetime.fromisoformat(self.steps[DONE]["at"]) if DONE in self.steps else None

    def state(self, moment: datetime) -> str:
        if self.done_at:
            return "done" if self.done_at <= self.due_at else "done late"
        return "open" if moment <= self.due_at else "overdue"


def new_id() -> str:
    return uuid.uuid4().hex[:12]


def due(clock: str, received_at: datetime) -> datetime:
    """When the law wants an answer: a calendar month (GDPR, article 12), or 45 days (CCPA)."""
    if clock == "ccpa":
        return received_at + _CCPA
    year, month = divmod(received_at.year * 12 + received_at.month, 12)
    return received_at.replace(
        year=year, month=month + 1, day=min(received_at.day, calendar.monthrange(year, month + 1)[1])
    )


class RequestBook:
    """A region's requests; the file lies outside the region's, and a restore merges it."""

    def __init__(self, settings: Settings, region: str) -> None:
        self.settings, self.region = settings, region
        self._book = LineBook(settings.warehouse / "books" / region / "requests.jsonl", region)

    def open(self, id_: str, kind: RequestKind, received_at: datetime | None = None) -> Request:
        """Book a request, unless it is there; returns it as it stands."""
        if id_ not in self.requests():
            clock = self.settings.privacy.legal_clock.get(self.region, "gdpr")
            moment = received_at or naive_utc(now())
            moments = {"received_at": moment.isoformat(), "due_at": due(clock, moment).isoformat()}
            self._book.append({"line": "request", "request": id_, "kind": kind, "clock": clock, **moments})
        return self.requests()[id_]

    def step(self, request: Request, name: str, **came_to: int | bool) -> None:
        """Note a step that is done; one that is done again keeps its first moment."""
        if name not in self.requests()[request.id].steps:
            self._book.append({"line": "step", "request": request.id, "step": name,
                               "at": naive_utc(now()).isoformat(), **came_to})  # fmt: skip

    def merge(self, other: Path) -> int:
        """Take over the lines of another life of the book, such as a backup's; returns how many were new."""
        return self._book.merge(other)

    def requests(self) -> dict[str, Request]:
        """Every request by its id, oldest first."""
        lines = self._book.lines()
        steps: dict[str, dict[str, dict[str, Any]]] = {}
        for line in lines:
            if line["line"] == "step":
                came_to = {name: one for name, one in line.items() if name not in _PLACE}
                steps.setdefault(line["request"], {}).setdefault(line["step"], came_to)
        found = [
            Request(line["request"], line["kind"], self.region, line["clock"],
                    datetime.fromisoformat(line["received_at"]), datetime.fromisoformat(line["due_at"]),
                    steps.get(line["request"], {}))
            for line in lines if line["line"] == "request"
        ]  # fmt: skip
        return {one.id: one for one in sorted(found, key=lambda one: one.received_at)}
