"""Which archives name a person, and by which ids. The warehouse keeps no e-mail address, so the landing zone is asked.

For an address every event archive of the region is read that is still in the landing zone, for an id those that are not
loaded; nothing is kept of what is read. What cannot be read is told, since the person may be in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingestion.books import region_file
from ingestion.compression import CorruptArchiveError
from ingestion.landing import Landed
from ingestion.lines import raw_lines
from ingestion.reading import DEFAULTS
from ingestion.record_fields import Fields
from ingestion.records import DeadLetter
from ingestion.replica import landed_copies
from ingestion.sources import converter
from ingestion.zone import zone
from operations.error_messages import describe_error
from operations.rights.missing import ARCHIVE, LANDING, Missing
from operations.rights.persons import Identifiers, Subject
from settings import RomiError, Settings, TransientError, UsageError

_PLACES = (("context", "traits"), ("traits",), ("properties",))
_LOADED = "select name, size_bytes, mtime_ns from ops.archives where kind = 'events' and state = 'loaded'"
_FEW = 20  # texts that each line is searched for before it is read as a record

# Given an identifier, the persons whom it names, by their places in a request.
Naming = Callable[[str], Collection[int]]


@dataclass(frozen=True)
class Sought:
    """Whom archives are searched for."""

    persons: int
    users: Naming
    devices: Naming
    emails: Naming
    by_email: bool  # whether anybody is named by an address, so that loaded archives are read too
    may_name: Callable[[bytes], bool]  # False where a line names none of them for certain


@dataclass
class Met:
    """A person in archives: how many records name them, and the ids that stand beside their address."""

    records: int = 0
    users: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)

    @property
    def identifiers(self) -> Identifiers:
        return Identifiers(tuple(sorted(self.users)), tuple(sorted(self.devices)))


@dataclass
class Searched:
    """How far a search came: what it read, whom it met, and what it could not read."""

    met: list[Met]
    archives: int = 0
    records: int = 0
    missing: list[Missing] = field(default_factory=list)


def in_plain(subjects: Sequence[Subject]) -> Sought:
    """For persons whose identifiers are at hand."""
    users, devices, emails = (
        _places([getattr(one, name) for one in subjects]) for name in ("user_ids", "anonymous_ids", "emails")
    )
    # The name of an address is enough, since the rest of it may be spelt in capitals.
    texts = {one.encode() for one in (*users, *devices)} | {one.partition("@")[0].encode() for one in emails}
    is_few = len(texts) <= _FEW and all(one.isascii() for one in (*users, *devices, *emails))

    def may_name(line: bytes) -> bool:
        lower = line.lower()
        return not is_few or b"\\" in line or any(one in line or one in lower for one in texts)

    return Sought(len(subjects), _named(users), _named(devices), _named(emails), bool(emails), may_name)


def _places(named: Sequence[Collection[str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, texts in enumerate(named):
        for text in texts:
            found.setdefault(text, []).append(place)
    return found


def _named(places: dict[str, list[int]]) -> Naming:
    return lambda text: places.get(text, ())


def search(settings: Settings, region: str, sought: Sought) -> Searched:
    """Read the archives that may name somebody who is sought."""
    found, (archives, problem) = Searched([Met() for _ in range(sought.persons)]), landed(settings, region)
    found.missing += [problem] if problem else []
    loaded = set() if sought.by_email else set(_asked(settings, region, _LOADED))
    for one in archives:
        if (one.name, one.size, one.mtime_ns) not in loaded:
            found.archives += 1
            found.missing += _read(settings, one, sought, found)
    return found


def landed(settings: Settings, region: str) -> tuple[list[Landed], Missing | None]:
    """The region's event archives in the landing zone, or why it cannot be looked into."""
    try:
        if region not in zone(settings.landing).folders() and _asked(settings, region, f"{_LOADED} limit 1"):
            raise UsageError(
                f"the folder of region {region} is gone from the landing zone {settings.landing}: put it back, or make"
                " an empty one where it is gone for good"
            )
        return [one for one in landed_copies(settings, region, afresh=True) if one.kind == "events"], None
    except (UsageError, TransientError, OSError) as error:
        return [], Missing(LANDING, settings.landing, describe_error(error))


def still_unreadable(archives: Sequence[Landed], names: Collection[str]) -> set[str]:
    """Of archives that could not be read those that are there and still cannot."""
    return {one.name for one in archives if one.name in names and _problem(one, lambda _: None)}


def _read(settings: Settings, archive: Landed, sought: Sought, found: Searched) -> list[Missing]:
    convert = converter(settings.topic(archive.topic).format, DEFAULTS)

    def take(line: bytes) -> None:
        found.records += 1
        if sought.may_name(line):
            try:
                _meet(convert(line.decode("utf-8")), sought, found.met)
            except (DeadLetter, ValueError, KeyError):
                return

    problem = _problem(archive, take)
    return [Missing(ARCHIVE, archive.name, f"the archive {archive.name} cannot be read: {problem}")] if problem else []


def _problem(archive: Landed, take: Callable[[bytes], None]) -> str | None:
    try:
        for line in raw_lines(archive.path):
            take(line)
    except CorruptArchiveError as error:
        return error.problem
    except OSError as error:
        return error.strerror or type(error).__name__
    except TransientError as error:
        return describe_error(error)
    return None


def _meet(record: dict[str, Any], sought: Sought, met: list[Met]) -> None:
    user, device = (Fields(record).number(name) or "" for name in ("userId", "anonymousId"))
    persons = {*(sought.users(user) if user else ()), *(sought.devices(device) if device else ())}
    for email in _emails(record) if sought.by_email else ():
        for place in sought.emails(email):
            persons.add(place)
            met[place].users |= {user} - {""}
            met[place].devices |= {device} - {""}
    for place in persons:
        met[place].records += 1


def _emails(record: dict[str, Any]) -> set[str]:
    found = set()
    for path in _PLACES:
        here: Any = record
        for part in path:
            here = here.get(part) if isinstance(here, dict) else None
        email = here.get("email") if isinstance(here, dict) else None
        found |= {email.strip().casefold()} if isinstance(email, str) else set()
    return found


def _asked(settings: Settings, region: str, query: str) -> list[Any]:
    """What the region's books say; nothing where they cannot be read."""
    if not settings.region_file(region).is_file():
        return []
    try:
        with region_file(settings, region, read_only=True) as con:
            return con.execute(query).fetchall()
    except RomiError:
        return []
