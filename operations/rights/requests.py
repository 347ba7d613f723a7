"""The book of data-subject requests: what was asked, by when it is due, and each step, and nothing of who asked.

An erasure that could not look everywhere is open, with what is missing, until it could.
"""

from __future__ import annotations

import calendar
import uuid
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from ingestion.records import naive_utc
from operations.rights.missing import Missing, Place
from privacy.line_book import LineBook
from settings import PermanentError, Settings, now

RequestKind = Literal["access", "export", "erase", "rectify"]
FOUND, REMOVED, DONE = "found", "removed", "done"
_PLACE = ("line", "request", "step", "region")
_CCPA = timedelta(days=45)


@dataclass(frozen=True)
class Look:
    """One search for the person of an erasure: where, what came of it, and where it could not look."""

    at: str
    by: str  # the version of the software
    archives: int = 0  # that were read
    archive_records: int = 0
    met: int = 0  # records of these that name the person
    events: int = 0  # rows of `raw.events` that were searched
    letters: int = 0  # dead letters that were searched
    rows: dict[str, int] = field(default_factory=dict)  # by table: those that named the person
    letters_met: int = 0
    was_erased_before: bool = False
    removed: dict[str, int] = field(default_factory=dict)  # of all persons of the look together
    missing: tuple[Missing, ...] = ()

    @property
    def is_found(self) -> bool:
        return bool(self.met or self.rows or self.letters_met)


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
    looks: tuple[Look, ...] = ()  # of an erasure, oldest first

    @property
    def done_at(self) -> datetime | None:
        return datetime.fromisoformat(self.steps[DONE]["at"]) if DONE in self.steps else None

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What an erasure that is not done could not look into."""
        return () if self.done_at or not self.looks else self.looks[-1].missing

    @property
    def why_open(self) -> str:
        """What an erasure waits for, in a line."""
        if self.missing:
            return "; ".join(str(one) for one in self.missing[:3]) + (
                f"; and {len(self.missing) - 3:,} more" if len(self.missing) > 3 else ""
            )
        return (
            "it is published with the next run" if REMOVED in self.steps else "it was cut short; the next run goes on"
        )

    def lacks(self, place: Place) -> bool:
        return any(one.place == place for one in self.missing)

    @property
    def outcome(self) -> str:
        """What an erasure came to: ``open``, ``erased``, ``erased_before`` or ``nobody_found``."""
        if not self.done_at:
            return "open"
        if self.is_found:
            return "erased"
        return "erased_before" if self.is_known else "nobody_found"

    @property
    def is_known(self) -> bool:
        """Whether the person of an erasure was found, now or by an earlier one."""
        return self.is_found or any(one.was_erased_before for one in self.looks)

    @property
    def is_found(self) -> bool:
        return not self.looks or FOUND in self.steps or any(one.is_found for one in self.looks)

    @property
    def removed(self) -> dict[str, int]:
        """What all looks of an erasure have removed together."""
        return dict(sum((Counter(one.removed) for one in self.looks), Counter()))

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


def unfinished(settings: Settings) -> list[Request]:
    """The erasures of all regions that are not done, those due first.

    Raises:
        PermanentError: a book of requests cannot be read.
    """
    books = sorted((settings.warehouse / "books").glob("*/requests.jsonl"))
    found = [one for path in books for one in RequestBook(settings, path.parent.name).requests().values()]
    return sorted((one for one in found if one.kind == "erase" and not one.done_at), key=lambda one: one.due_at)


def unfinished_lines(settings: Settings) -> list[str]:
    """The same in words, a line each."""
    try:
        waiting = unfinished(settings)
    except PermanentError as error:
        return [str(error)]
    moment = naive_utc(now())
    return [
        f"{one.region}: erasure {one.id} is {one.state(moment)}, due {one.due_at:%Y-%m-%d}: {one.why_open}"
        for one in waiting
    ]


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

    def look(self, request: Request, look: Look) -> None:
        """Note a search for the person of an erasure."""
        self._book.append({"line": "look", "request": request.id, **asdict(look)})

    def merge(self, other: Path) -> int:
        """Take over the lines of another life of the book, such as a backup's; returns how many were new."""
        return self._book.merge(other)

    def requests(self) -> dict[str, Request]:
        """Every request by its id, oldest first."""
        lines = self._book.lines()
        looks = _looks(lines)
        steps: dict[str, dict[str, dict[str, Any]]] = {}
        for line in lines:
            if line["line"] == "step":
                came_to = {name: one for name, one in line.items() if name not in _PLACE}
                steps.setdefault(line["request"], {}).setdefault(line["step"], came_to)
        found = [
            Request(line["request"], line["kind"], self.region, line["clock"],
                    datetime.fromisoformat(line["received_at"]), datetime.fromisoformat(line["due_at"]),
                    steps.get(line["request"], {}), tuple(looks.get(line["request"], ())))
            for line in lines if line["line"] == "request"
        ]  # fmt: skip
        return {one.id: one for one in sorted(found, key=lambda one: one.received_at)}


def _looks(lines: list[dict[str, Any]]) -> dict[str, list[Look]]:
    """By request, oldest first."""
    found: dict[str, list[Look]] = {}
    for line in lines:
        if line["line"] == "look":
            facts = {name: line[name] for name in Look.__dataclass_fields__ if name in line}
            facts["missing"] = tuple(Missing(**one) for one in line["missing"])
            found.setdefault(line["request"], []).append(Look(**facts))
    return {request: sorted(ones, key=lambda one: one.at) for request, ones in found.items()}
