"""Who is told of an incident, and when: once each, up the ladder until one acknowledges it, and when it is over.

What was told stands in the book of incidents, so that a restart tells nobody twice. What could not be delivered stands
there too, and is tried again, each time after twice as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from filelock import FileLock, Timeout

from operations.incidents import book, words
from operations.incidents.findings import Finding, Kind
from operations.incidents.incident import Incident
from operations.incidents.notices import deliver
from operations.incidents.report import report
from settings import Settings, now

_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
_TRIES = 3  # after so many, that notices do not arrive is an incident itself
_LATE_NEWS = timedelta(days=7)  # how long after its end an incident is told to whom it could not be told before

What = Literal["opened", "escalated", "back", "over"]


@dataclass(frozen=True)
class Notice:
    """Somebody to be told something of an incident. `key` names the occasion: each address hears of it once."""

    incident: Incident
    key: str
    what: What
    role: str
    address: str


def due(settings: Settings, incident: Incident, at: datetime) -> Iterator[Notice]:
    """Whoever has to be told by that moment and has not been."""
    for notice in _of_occasions(settings, incident, at):
        if (notice.key, notice.address) not in incident.told:
            yield notice


def tick(settings: Settings) -> list[str]:
    """Tell whoever is due. Whoever ticks at the same time leaves it to the other.

    Returns:
        A line for people for each notice that was delivered, or failed for the first time.
    """
    lock = (settings.warehouse / book.BOOK).with_name(".notices.lock").absolute()
    if not (settings.warehouse / book.BOOK).is_file():
        return []
    try:
        with FileLock(lock, mode=0o600, blocking=False):
            lines = [line for one in book.incidents(settings) for line in _tell(settings, one)]
            _report_undelivered(settings)
            return lines
    except Timeout:
        return []


def undelivered(settings: Settings) -> list[tuple[Notice, int, str]]:
    """Notices that are due and could not be delivered yet, with the number of tries and the last problem."""
    moment = now()
    return [
        (notice, *incident.untold[notice.key, notice.address][::2])
        for incident in book.incidents(settings) for notice in due(settings, incident, moment)
        if (notice.key, notice.address) in incident.untold
    ]  # fmt: skip


def _of_occasions(settings: Settings, incident: Incident, at: datetime) -> Iterator[Notice]:
    heard = list(dict.fromkeys((role, address) for (_, address), role in incident.told.items()))
    if incident.is_live and not incident.is_acknowledged and incident.state == "open":
        yield from _of_ladder(settings, incident, at)
    elif incident.closed_at and at - incident.closed_at < _LATE_NEWS and not incident.is_acknowledged:
        for notice in _of_ladder(settings, incident, incident.closed_at):
            if (notice.key, notice.address) in incident.untold:
                yield notice
    if incident.is_live and incident.reopened:
        for role, address in heard:
            yield Notice(incident, f"back {incident.reopened}", "back", role, address)
    if incident.closed_at:
        for role, address in heard:
            if incident.part_of or incident.heard_at[address] <= incident.closed_at:
                yield Notice(incident, f"over {incident.reopened}", "over", role, address)


def _of_ladder(settings: Settings, incident: Incident, at: datetime) -> Iterator[Notice]:
    for step in settings.incidents.ladder:
        open_for = max(at - incident.opened_at, timedelta(0))  # it may have been opened by a clock that was ahead
        if open_for >= timedelta(minutes=step.after_minutes):
            what: What = "escalated" if step.after_minutes else "opened"
            for name in settings.incidents.address(step.role, incident.regions, incident.kind):
                yield Notice(incident, f"{step.after_minutes} min {step.role}", what, step.role, name)


def _tell(settings: Settings, incident: Incident) -> Iterator[str]:
    for notice in list(due(settings, incident, now())):
        tries, last, _ = incident.untold.get((notice.key, notice.address), (0, None, ""))
        if last and abs(now() - last) < min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (tries - 1)):
            continue
        title, body = words.notice(settings, notice.incident, notice.what)
        problem = deliver(settings, notice.address, title, body)
        event = "untold" if problem else "told"
        line = book.line_of(
            incident.number, event, key=notice.key, what=notice.what, role=notice.role, address=notice.address,
            **({"problem": problem} if problem else {}),
        )  # fmt: skip
        with book.writing(settings):
            book.enter(settings, [line])
        if not problem:
            yield f"told {notice.role} ({notice.address}) of incident {incident.number}"
        elif not tries:
            yield f"{notice.role} could not be told of incident {incident.number}, and will be: {problem}"


def _report_undelivered(settings: Settings) -> None:
    failing = [(notice, problem) for notice, tries, problem in undelivered(settings) if tries >= _TRIES]
    found = [
        Finding(
            Kind.NOTICES_UNDELIVERABLE, "notices do not arrive", problem, things=(notice.address,),
            mend="mend the address; what was not delivered is sent then",
        )
        for notice, problem in {notice.address: (notice, problem) for notice, problem in failing}.values()
    ]  # fmt: skip
    report(settings, found, judged={Kind.NOTICES_UNDELIVERABLE})
