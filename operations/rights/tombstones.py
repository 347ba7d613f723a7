"""The tombstones of an erasure: from the moment they are written, nothing of the person comes in.

An erasure that was killed goes on with those it has begun with.
"""

from __future__ import annotations

from ingestion.books import region_file
from ingestion.held_key import hold_key
from ingestion.records import naive_utc
from operations.rights.persons import Identifiers, Person, named, resolve
from operations.rights.requests import Request, RequestBook, new_id
from privacy.keys import Key, region_key
from privacy.pseudonyms import Kind, nested
from privacy.suppression import ALWAYS, Suppression, Tombstone, mark
from privacy.suppression_book import SuppressionBook
from settings import Settings, now


def suppress(settings: Settings, region: str, identifiers: Identifiers) -> Request:
    """First the tombstones, all in one write; then the request that they name, and the step."""
    key, book = pseudonym_key(settings, region), SuppressionBook(settings.warehouse, region)
    suppression, requests = book.load(), RequestBook(settings, region)
    begun, person = _begun(identifiers, key, suppression, requests)
    if person.all:
        if settings.region_file(region).is_file():
            with region_file(settings, region, read_only=True) as con:
                person = resolve(con, person)
        stone_key = book.key()
        begun = begun[:1] + _tombstones(person, stone_key, *begun[:1])
        book.add(stone_key, begun)
    request = requests.open(begun[0].request, "erase", begun[0].erased_at)
    requests.step(request, "tombstones", tombstones=len(begun))
    return request


def _begun(
    identifiers: Identifiers, key: Key, suppression: Suppression | None, requests: RequestBook
) -> tuple[list[Tombstone], Person]:
    """Tombstones that an erasure of these identifiers has made which is not done yet; and who has none of it."""
    if suppression is None:
        return [], named(identifiers, key, None)
    person = named(identifiers, key.first, None)
    known, begun, rest = requests.requests(), [], Person()
    places: list[tuple[Kind, set[str], set[str]]] = [
        ("user", person.users, rest.users), ("anonymous", person.devices, rest.devices)
    ]  # fmt: skip
    for kind, firsts, others in places:
        for first in firsts:
            names = suppression.life(key, kind, first)
            stones = [stone for name in names[-2:-1] for stone in suppression.of(kind, name, key.rotations)]
            stones = [one for one in stones if one.request not in known or not known[one.request].done_at]
            begun += stones
            others |= set() if stones else {nested(names[-1], key.rotations)}
    return sorted(begun, key=lambda one: one.erased_at), rest


def _tombstones(person: Person, key: Key, begun: Tombstone | None = None) -> list[Tombstone]:
    """One for each pseudonym, of the request that has `begun` or of a new one."""
    request, moment = (begun.request, begun.erased_at) if begun else (new_id(), naive_utc(now()))
    marks = [mark(key, "user", one) for one in person.users] + [mark(key, "anonymous", one) for one in person.devices]
    stones = [Tombstone(one, moment, request, ALWAYS) for one in sorted(marks)]
    return stones + [
        Tombstone(mark(key, "anonymous", device), moment, request, span)
        for device, spans in sorted(person.shared.items()) for span in spans
    ]  # fmt: skip


def pseudonym_key(settings: Settings, region: str) -> Key:
    """The key that the region's pseudonyms are made with, which its file has to know."""
    if not settings.region_file(region).is_file():
        return region_key(settings.warehouse, region, "pseudonym")
    key = region_key(settings.warehouse, region, "pseudonym", make=False)
    with region_file(settings, region) as con:
        hold_key(con, key)
    return key
