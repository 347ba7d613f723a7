"""Data-subject requests: what is held about a person, and the person's erasure, through every store.

An erasure is done when its request says so. Its steps, in this order: the tombstones (from then on nothing of the
person comes in), the region's file (rows taken out, the file written anew), what is published. Each can be killed and
repeated; the same command, or the next run, goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ingestion.books import region_file
from ingestion.held_key import hold_key
from operations.publishing.publish import publish
from operations.rights import archive_search, erasures, rectification, rotation, subject_data
from operations.rights.erasing import regions_expected
from operations.rights.missing import Missing
from operations.rights.persons import Identifiers, Subject, named, resolve
from operations.rights.requests import DONE, Request, RequestBook, RequestKind, new_id
from operations.rights.tombstones import pseudonym_key
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly
from operations.store.memory.keeping import remember_books
from operations.store.versions import current_version
from privacy.keys import region_key
from privacy.suppression_book import SuppressionBook
from settings import RomiError, Settings, UnknownValueError, UsageError


@dataclass
class Outcome:
    """What a request came to, by region; one that failed is named and holds back no other."""

    requests: dict[str, Request] = field(default_factory=dict)
    erasures: dict[str, list[Request]] = field(default_factory=dict)  # of several persons at once, all of them
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    missing: dict[str, list[Missing]] = field(default_factory=dict)  # what an answer could not be looked up in
    unknown: list[int] = field(default_factory=list)  # persons to erase, by place, who were found in no region
    version: int | None = None

    @property
    def open(self) -> list[Request]:
        """Erasures that are not done."""
        return [one for ones in self.erasures.values() for one in ones if not one.done_at]

    @property
    def exit_code(self) -> int:
        return 1 if self.failures or self.missing or self.open else 0


def regions(settings: Settings, only: str | None) -> list[str]:
    """The warehouse's regions, or the one that is asked for; one whose file is gone is among them.

    Raises:
        UsageError: there is no warehouse, or no such region.
    """
    check_warehouse(settings)
    known = {path.stem for path in settings.regions_dir.glob("*.duckdb")} | set(settings.known_regions())
    known |= regions_expected(settings)
    if only is not None and only not in known:
        raise UnknownValueError("region", only, sorted(known))
    return sorted(known) if only is None else [only]


def look(
    settings: Settings,
    subject: Subject,
    kind: RequestKind,
    region: str | None,
    on_wait: OnWait = wait_quietly,
) -> Outcome:
    """Everything held about a person, by region and table: for `access` and `export`."""
    names, outcome = regions(settings, region), Outcome()
    with _booking(settings, names, on_wait):
        for name in names:
            with _failing(outcome, name):
                book = RequestBook(settings, name)
                rotation.catch_up(settings, name)
                request = book.open(new_id(), kind)
                identifiers, missing = _identifiers(settings, subject, name)
                outcome.missing |= {name: missing} if missing else {}
                outcome.found[name] = _held(settings, subject, name, identifiers)
                rows = sum(map(len, outcome.found[name].values()))
                book.step(request, DONE, rows=rows, not_looked_into=len(missing))
                outcome.requests[name] = book.requests()[request.id]
    return outcome


def _identifiers(settings: Settings, subject: Subject, region: str) -> tuple[Identifiers, list[Missing]]:
    """What the person is called in a region, and where an address could not be looked up."""
    users, devices, missing = subject.user_ids, subject.anonymous_ids, []
    if subject.emails:
        found = archive_search.search(settings, region, archive_search.in_plain([Subject(email=subject.email)]))
        users, devices, missing = users | found.met[0].users, devices | found.met[0].devices, found.missing
    return Identifiers(tuple(sorted(users)), tuple(sorted(devices))), missing


def _held(settings: Settings, subject: Subject, region: str, identifiers: Identifiers) -> dict[str, Any]:
    if not settings.region_file(region).is_file():
        return {}
    with region_file(settings, region, read_only=True) as con:
        key = region_key(settings.warehouse, region, "pseudonym", make=False)
        hold_key(con, key)
        suppression = SuppressionBook(settings.warehouse, region).load()
        person = resolve(con, named(identifiers, key, suppression))
        return subject_data.everything(con, settings, region, person, sorted(subject.texts))


def erase(
    settings: Settings,
    subject: Subject | Sequence[Subject],
    region: str | None,
    on_wait: OnWait = wait_quietly,
    request: str | None = None,
) -> Outcome:
    """Take a person, or several at once, out of every store, for good.

    Orders keep their money and credit without the person. What is published holds no persons; a new version is
    published where the erasure changes one, and the versions before it are disposed of. However many they are, a
    region's file is written anew once. What could not be looked into leaves the request open, and it ends by itself.

    Args:
        request: the open request to go on with, for one of which nothing was kept of who is meant.

    Raises:
        UsageError: there is no warehouse, no such region, or no such open request.
    """
    persons = [subject] if isinstance(subject, Subject) else list(subject)
    names, outcome = _regions_of(settings, region, request), Outcome(unknown=list(range(len(persons))))
    with _booking(settings, names, on_wait):
        for name in names:
            with _failing(outcome, name):
                found = erasures.begin(settings, name, persons, request)
                outcome.erasures[name] = list({one.id: one for one in found}.values())
                outcome.requests[name] = found[-1]
                known = {n for n, one in enumerate(found) if one.is_known or one.missing}
                outcome.unknown = [one for one in outcome.unknown if one not in known]
        _republish(settings, outcome)
    outcome.unknown = [] if outcome.failures else outcome.unknown  # nobody looked everywhere
    return outcome


def _regions_of(settings: Settings, only: str | None, request: str | None) -> list[str]:
    names = regions(settings, only)
    if request is None:
        return names
    waiting = {one.id: one.region for one in requests(settings, only) if one.kind == "erase" and not one.done_at}
    if request not in waiting:
        raise UnknownValueError("open erasure", request, list(waiting))
    return [waiting[request]]


@contextmanager
def _booking(settings: Settings, regions: list[str], on_wait: OnWait) -> Iterator[None]:
    """Hold the warehouse, and have the memory know at the end what was written into the regions' books."""
    with exclusive(settings, on_wait):
        yield
        remember_books(settings, *regions)


@contextmanager
def _failing(outcome: Outcome, region: str) -> Iterator[None]:
    """Note a region's failure in one line and go on; its text names nobody."""
    try:
        yield
    except RomiError as error:
        outcome.failures[region] = str(error)


def rectify(settings: Settings, subject: Subject, region: str | None, on_wait: OnWait = wait_quietly) -> Outcome:
    """Say whose a device is, whatever was seen on it: what it did without a user id is from now on that user's.

    The days concerned wait to be rebuilt; final days stay as they are.

    Raises:
        UsageError: the request does not name a device and a user; or there is no warehouse, or no such region.
    """
    if not (subject.user_id and subject.anonymous_id):
        raise UsageError("say which device is whose: --anonymous-id and --user-id")
    names, outcome = regions(settings, region), Outcome()
    with _booking(settings, names, on_wait):
        for name in names:
            with _failing(outcome, name):
                rotation.catch_up(settings, name)
                book = RequestBook(settings, name)
                request = book.open(new_id(), "rectify")
                relinked = _relink(settings, subject, name) if settings.region_file(name).is_file() else 0
                book.step(request, DONE, events=relinked)
                outcome.requests[name] = book.requests()[request.id]
    return outcome


def _relink(settings: Settings, subject: Subject, region: str) -> int:
    """How many events take part; none where the region does not know the device."""
    key, whose = pseudonym_key(settings, region), subject.trimmed()
    suppression = SuppressionBook(settings.warehouse, region).load()
    person = named(Identifiers((whose.user_id or "",), (whose.anonymous_id or "",)), key, suppression)
    (user,), (device,) = person.users, person.devices
    return rectification.relink(settings, region, device, user)


def _republish(settings: Settings, outcome: Outcome) -> None:
    """Publish anew and leave only that version; then the requests that have looked everywhere are done."""
    if not outcome.requests:
        return
    try:
        if current_version(settings):
            publish(settings)
        erasures.conclude(settings)
    except RomiError as error:
        outcome.failures["publish"] = str(error)
    outcome.version = current_version(settings)
    for region, ones in outcome.erasures.items():
        booked = RequestBook(settings, region).requests()
        outcome.erasures[region] = [booked[one.id] for one in ones]
        outcome.requests[region] = outcome.erasures[region][-1]


def requests(settings: Settings, region: str | None) -> list[Request]:
    """Every request of the regions, those due first.

    Raises:
        PermanentError: a book of requests cannot be read.
    """
    found = [one for name in regions(settings, region) for one in RequestBook(settings, name).requests().values()]
    return sorted(found, key=lambda one: (one.done_at is not None, one.due_at, one.region))
