"""The tombstones of an erasure: from the moment they are written, nothing of the person comes in.

An erasure that was killed, or could not look everywhere, goes on with those it has begun with.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from ingestion.books import region_file
from ingestion.held_key import hold_key
from ingestion.records import naive_utc
from operations.removal.dead_persons import is_told_by
from operations.removal.erased_persons import COLUMNS, person_columns
from operations.removal.erasure import rotations_due
from operations.rights.missing import REGION
from operations.rights.persons import Identifiers, Person, Subject, named, resolve
from operations.rights.requests import REMOVED, Request, RequestBook, new_id
from privacy.asked import Asked, AskedKind, asked_mark
from privacy.keys import Key, region_key
from privacy.pseudonyms import Kind, nested
from privacy.suppression import ALWAYS, Suppression, Tombstone, mark
from privacy.suppression_book import SuppressionBook
from settings import Settings, TransientError, now


@dataclass(frozen=True)
class Stone:
    """What the tombstones of one request have in common."""

    request: str
    erased_at: datetime


@dataclass
class Begun:
    """How far the erasure of a person is, by the tombstones that are there."""

    stone: Stone | None = None  # of an erasure that is not done
    known: Person = field(default_factory=Person)  # who has tombstones of it
    rest: Person = field(default_factory=Person)  # who has none
    was_erased_before: bool = False


@dataclass(frozen=True)
class Hand:
    """What writes a region's tombstones: its keys and books."""

    settings: Settings
    region: str
    pseudonym: Key
    stone: Key
    book: SuppressionBook
    requests: RequestBook


def begun(hand: Hand, identifiers: Identifiers) -> Begun:
    """What an erasure of these identifiers that is not done yet has made."""
    suppression, key = hand.book.load(), hand.pseudonym
    if suppression is None:
        return Begun(rest=named(identifiers, key, None))
    person, found, stones = named(identifiers, key.first, None), Begun(), []
    known = hand.requests.requests()
    places: list[tuple[Kind, set[str], set[str], set[str]]] = [
        ("user", person.users, found.known.users, found.rest.users),
        ("anonymous", person.devices, found.known.devices, found.rest.devices),
    ]
    for kind, firsts, ours, others in places:
        for first in firsts:
            names = suppression.life(key, kind, first)
            its = [stone for name in names[-2:-1] for stone in suppression.of(kind, name, key.rotations)]
            its = [one for one in its if one.request not in known or not known[one.request].done_at]
            stones += its
            (ours if its else others).add(nested(names[-2] if its else names[-1], key.rotations))
            found.was_erased_before |= len(names) > 1 and not its
    if stones:
        first_stone = min(stones, key=lambda one: one.erased_at)
        found.stone = Stone(first_stone.request, first_stone.erased_at)
    return found


def suppress(
    hand: Hand, con: duckdb.DuckDBPyConnection | None, at: Begun, subject: Subject, chosen: Request | None
) -> tuple[Request, Person]:
    """First the tombstones and what the request named, all in one write; then the request, and the step.

    Args:
        con: the region's file, where it can be read; it tells who else the person is.
        chosen: the open request to go on with, if somebody said which.

    Returns:
        The request, and the person as far as the region's file knows them.
    """
    stone = at.stone or (Stone(chosen.id, chosen.received_at) if chosen else Stone(new_id(), naive_utc(now())))
    person = Person(at.rest.users | at.known.users, at.rest.devices | at.known.devices)
    person = resolve(con, person) if con else person
    asked = _asked(hand, stone, subject)
    stones = tombstones_of(hand, stone, person, at.known)
    hand.book.add(hand.stone, stones, asked)
    request = hand.requests.open(stone.request, "erase", stone.erased_at)
    hand.requests.step(request, "tombstones", tombstones=len(stones) + len(at.known.all))
    return request, person


def _asked(hand: Hand, stone: Stone, subject: Subject) -> list[Asked]:
    texts: list[tuple[AskedKind, str]] = [("email", one) for one in subject.emails]
    texts += [("text", one.casefold()) for one in subject.texts if is_told_by(one)]
    under = hand.pseudonym.fingerprint
    return [
        Asked(stone.request, stone.erased_at, kind, asked_mark(hand.stone, kind, text), under)
        for kind, text in sorted(set(texts))
    ]


def tombstones_of(hand: Hand, stone: Stone, person: Person, known: Person) -> list[Tombstone]:
    """One for each pseudonym of the person that is not `known` to have one."""
    moment, request = stone.erased_at, stone.request
    marks = [mark(hand.stone, "user", one) for one in person.users - known.users]
    marks += [mark(hand.stone, "anonymous", one) for one in person.devices - known.devices]
    stones = [Tombstone(one, moment, request, ALWAYS) for one in sorted(marks)]
    return stones + [
        Tombstone(mark(hand.stone, "anonymous", device), moment, request, span)
        for device, spans in sorted(person.shared.items()) for span in spans
    ]  # fmt: skip


def open_erasures(settings: Settings, region: str) -> list[Request]:
    """Erasures that are not through, oldest first; one whose tombstones alone are left is booked anew.

    Raises:
        PermanentError: a book cannot be read, or tombstones are missing.
        UsageError: the keys file cannot be read.
    """
    requests = RequestBook(settings, region)
    known = requests.requests()
    for id_, moment in SuppressionBook(settings.warehouse, region).requests().items():
        if id_ not in known:  # killed before it was booked, or the book is an older one
            known[id_] = requests.open(id_, "erase", moment)
    return [one for one in known.values() if one.kind == "erase" and REMOVED not in one.steps and not one.done_at]


def extend(settings: Settings, region: str) -> None:
    """Add to open erasures whoever the region's file knows to be the same person, before its rows are taken out.

    An erasure that could not read the file knows the person by what the request named alone.

    Raises: as :func:`open_erasures`.
    """
    waiting = [one for one in open_erasures(settings, region) if not one.looks or one.lacks(REGION)]
    if not waiting or not settings.region_file(region).is_file():
        return
    book = SuppressionBook(settings.warehouse, region)
    suppression = book.load()
    if suppression is None:
        return
    hand = Hand(settings, region, region_key(settings.warehouse, region, "pseudonym", make=False), suppression.key,
                book, RequestBook(settings, region))  # fmt: skip
    try:
        with region_file(settings, region, read_only=True) as con:
            held = held_persons(con, suppression, rotations_due(con, settings, region), [one.id for one in waiting])
            for request in waiting:
                known = held[request.id]
                stones = tombstones_of(hand, Stone(request.id, request.received_at), resolve(con, known), known)
                if stones:
                    book.add(hand.stone, stones)
    except TransientError:  # it still cannot be read, which whoever works on it tells
        return


def held_persons(
    con: duckdb.DuckDBPyConnection, suppression: Suppression, rotations: Sequence[bytes], requests: Collection[str]
) -> dict[str, Person]:
    """By request, the pseudonyms in a region's file that have whole tombstones of it."""
    found = {one: Person() for one in requests}
    for schema, table, column in person_columns(con):
        query = f"select distinct {column}::varchar as id from {schema}.{table} where {column} is not null"
        values = con.execute(query).pl()["id"].str.replace_all("-", "")
        for kind in COLUMNS[column]:
            for value, stones in suppression.erased(kind, values, rotations).items():
                for stone in stones:
                    if stone.is_whole and stone.request in found:
                        person = found[stone.request]
                        (person.users if kind == "user" else person.devices).add(value)
    return found


def pseudonym_key(settings: Settings, region: str) -> Key:
    """The key that the region's pseudonyms are made with, which its file has to know."""
    if not settings.region_file(region).is_file():
        return region_key(settings.warehouse, region, "pseudonym")
    key = region_key(settings.warehouse, region, "pseudonym", make=False)
    with region_file(settings, region) as con:
        hold_key(con, key)
    return key
