"""Data-subject requests: what is held about a person, and the person's erasure, through every store.

An erasure is done when its request says so. Its steps, in this order: the tombstones (from then on nothing of the
person comes in), the region's file (rows taken out, the file written anew), what is published. Each can be killed and
repeated; the same command goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ingestion.books import region_file
from ingestion.held_key import hold_key
from operations import status
from operations.publishing.publish import publish
from operations.removal import erasure
from operations.rights import emails, rectification, rotation, subject_data
from operations.rights.persons import Identifiers, named, resolve
from operations.rights.requests import DONE, Request, RequestBook, RequestKind, new_id
from operations.rights.tombstones import pseudonym_key, suppress
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly
from operations.store.versions import current_version, dispose_other_versions
from privacy.keys import region_key
from privacy.suppression_book import SuppressionBook
from settings import RomiError, Settings, UnknownValueError, UsageError


@dataclass(frozen=True)
class Subject:
    """Whom a request is about, in plain text: it lives in memory and is never written or printed."""

    user_id: str | None = None
    anonymous_id: str | None = None
    email: str | None = None

    def __repr__(self) -> str:
        return "Subject(…)"

    def identifiers(self, settings: Settings, region: str) -> Identifiers:
        """What the person is called in a region."""
        found = emails.identifiers_of(settings, region, self.email) if self.email else Identifiers()
        users = {*found.user_ids, *([self.user_id] if self.user_id else [])}
        devices = {*found.anonymous_ids, *([self.anonymous_id] if self.anonymous_id else [])}
        return Identifiers(tuple(sorted(users)), tuple(sorted(devices)))

    @property
    def texts(self) -> list[str]:
        return [one for one in (self.user_id, self.anonymous_id, self.email) if one]


@dataclass
class Outcome:
    """What a request came to, by region; one that failed is named and holds back no other."""

    requests: dict[str, Request] = field(default_factory=dict)
    erasures: dict[str, list[Request]] = field(default_factory=dict)  # of several persons at once, all of them
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    version: int | None = None

    @property
    def exit_code(self) -> int:
        return 1 if self.failures else 0


def regions(settings: Settings, only: str | None) -> list[str]:
    """The warehouse's regions, or the one that is asked for.

    Raises:
        UsageError: there is no warehouse, or no such region.
    """
    check_warehouse(settings)
    files = {path.stem for path in settings.regions_dir.glob("*.duckdb")}
    known = sorted(files | set(settings.known_regions()))
    if only is not None and only not in known:
        raise UnknownValueError("region", only, known)
    return known if only is None else [only]


def look(
    settings: Settings,
    subject: Subject,
    kind: RequestKind,
    region: str | None,
    on_wait: OnWait = wait_quietly,
) -> Outcome:
    """Everything held about a person, by region and table: for `access` and `export`."""
    names, outcome = regions(settings, region), Outcome()
    with exclusive(settings, on_wait):
        for name in names:
            with _failing(outcome, name):
                book = RequestBook(settings, name)
                rotation.catch_up(settings, name)
                request = book.open(new_id(), kind)
                outcome.found[name] = _held(settings, subject, name)
                book.step(request, DONE, rows=sum(map(len, outcome.found[name].values())))
                outcome.requests[name] = book.requests()[request.id]
    return outcome


def _held(settings: Settings, subject: Subject, region: str) -> dict[str, Any]:
    if not settings.region_file(region).is_file():
        return {}
    with region_file(settings, region, read_only=True) as con:
        key = region_key(settings.warehouse, region, "pseudonym", make=False)
        hold_key(con, key)
        suppression = SuppressionBook(settings.warehouse, region).load()
        person = resolve(con, named(subject.identifiers(settings, region), key, suppression))
        return subject_data.everything(con, settings, region, person, subject.texts)


def erase(
    settings: Settings,
    subject: Subject | Sequence[Subject],
    region: str | None,
    on_wait: OnWait = wait_quietly,
) -> Outcome:
    """Take a person, or several at once, out of every store, for good.

    Orders keep their money and credit without the person. What is published holds no persons; a new version is
    published where the erasure changes one, and the versions before it are disposed of. However many they are, a
    region's file is written anew once.

    Raises:
        UsageError: there is no warehouse, or no such region.
    """
    persons = [subject] if isinstance(subject, Subject) else list(subject)
    names, outcome = regions(settings, region), Outcome()
    with exclusive(settings, on_wait):
        for name in names:
            with _failing(outcome, name):
                rotation.catch_up(settings, name)
                found = [suppress(settings, name, one.identifiers(settings, name)) for one in persons]
                outcome.erasures[name] = list({request.id: request for request in found}.values())
                outcome.requests[name] = found[-1]
                _remove(settings, persons, name, outcome.erasures[name])
        _republish(settings, outcome)
    return outcome


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
    with exclusive(settings, on_wait):
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
    key = pseudonym_key(settings, region)
    suppression = SuppressionBook(settings.warehouse, region).load()
    person = named(subject.identifiers(settings, region), key, suppression)
    (user,), (device,) = person.users, person.devices
    return rectification.relink(settings, region, device, user)


def _remove(settings: Settings, persons: Sequence[Subject], region: str, requests: Sequence[Request]) -> None:
    done = erasure.enforce(settings, region, texts=[text for one in persons for text in one.texts])
    came_to = {"events": done.events, "orders": done.orders, "dead_letters": done.dead_letters}
    if len(requests) > 1:
        came_to["of_requests"] = len(requests)  # counted for all of them together
    for request in requests:
        RequestBook(settings, region).step(request, "removed", **came_to)
    if settings.region_file(region).is_file():
        with region_file(settings, region, read_only=True) as con:
            status.write_snapshot(con, settings, region)


def _republish(settings: Settings, outcome: Outcome) -> None:
    """Publish anew and leave only that version; then the requests are done."""
    if not outcome.requests:
        return
    try:
        if current_version(settings):
            publish(settings)
            dispose_other_versions(settings)
    except RomiError as error:
        outcome.failures["publish"] = str(error)
        return
    outcome.version = current_version(settings)
    for region, requests in outcome.erasures.items():
        if region in outcome.failures:
            continue
        book = RequestBook(settings, region)
        for request in requests:
            book.step(request, "published", version=outcome.version or 0)
            book.step(request, DONE)
        booked = book.requests()
        outcome.erasures[region] = [booked[request.id] for request in requests]
        outcome.requests[region] = outcome.erasures[region][-1]


def requests(settings: Settings, region: str | None) -> list[Request]:
    """Every request of the regions, those due first."""
    found = [one for name in regions(settings, region) for one in RequestBook(settings, name).requests().values()]
    return sorted(found, key=lambda one: (one.done_at is not None, one.due_at, one.region))
