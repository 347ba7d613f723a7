"""The book of incidents (``<warehouse>/books/incidents.jsonl``): lines are only ever added, under a lock of its own.

It needs no region's file, so that it can be written while a run holds the warehouse, and when a run could not begin.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from operations.incidents.incident import Incident, apply
from operations.store.memory.keeping import add_to_book
from settings import Settings, UnknownValueError, UsageError, now

BOOK = "books/incidents.jsonl"


def incidents(settings: Settings) -> list[Incident]:
    """Every incident, in the order they were opened; a line that a kill cut short is passed over."""
    found: dict[int, Incident] = {}
    for line in _lines(settings.warehouse / BOOK):
        try:
            apply(found, line)
        except (ValueError, KeyError, TypeError, IndexError):
            continue
    return [found[number] for number in sorted(found)]


def live(settings: Settings) -> list[Incident]:
    """Those that are not over."""
    return [one for one in incidents(settings) if one.is_live]


def incident(settings: Settings, number: int) -> Incident:
    """
    Raises:
        UnknownValueError: there is no such incident; the message names the live ones.
    """
    found = {one.number: one for one in incidents(settings)}
    if number not in found:
        known = [str(one.number) for one in found.values() if one.is_live] or [str(one) for one in found][-10:]
        raise UnknownValueError("incident", number, known)
    return found[number]


def acknowledge(settings: Settings, number: int, by: str, note: str | None = None) -> Incident:
    """Say that somebody works on it: nobody else is told of it from now on, until it is over.

    Raises:
        UnknownValueError: there is no such incident.
        UsageError: it is over.
    """
    with writing(settings):
        one = incident(settings, number)
        if not one.is_live:
            raise UsageError(f"incident {number} is over since {one.closed_at:%Y-%m-%d %H:%M} UTC")
        if not one.is_acknowledged:
            enter(settings, [line_of(one.number, "acknowledged", by=by, note=note or "")])
    return incident(settings, number)


def resolve(settings: Settings, number: int, by: str, note: str) -> Incident:
    """Close it by hand. What is still found of it is lived with where it has a name; all else opens it again.

    Raises:
        UnknownValueError: there is no such incident.
        UsageError: it is over.
    """
    with writing(settings):
        one = incident(settings, number)
        if not one.is_live:
            raise UsageError(f"incident {number} is over since {one.closed_at:%Y-%m-%d %H:%M} UTC")
        accepted = [found.as_line() for found in one.standing if found.can_be_accepted]
        enter(settings, [line_of(one.number, "closed", by=by, note=note, findings=accepted)])
    return incident(settings, number)


@contextmanager
def writing(settings: Settings) -> Iterator[None]:
    """The book to oneself, between reading and writing it; may be taken again by who has it."""
    path = (settings.warehouse / BOOK).absolute()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock"), mode=0o600, is_singleton=True):
        yield


def enter(settings: Settings, lines: list[dict[str, Any]]) -> None:
    """Add lines to the book; the caller has it to itself."""
    add_to_book(settings, BOOK, *(json.dumps(line, sort_keys=True) for line in lines))


def line_of(number: int, event: str, **facts: Any) -> dict[str, Any]:
    """A line of the book as of now, unless `at` is among its facts."""
    return {"at": now().isoformat(), "incident": number, "event": event, **facts}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line
