"""Open erasures: looked at again by each run, by the keyed hashes of what the request named."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb

from operations.rights import archive_search
from operations.rights.archive_search import Met, Naming, Sought
from operations.rights.erasing import Case, Hold, a_look, remove, take_hold
from operations.rights.missing import ARCHIVE, LETTERS, WHO, Missing
from operations.rights.persons import Person, resolve
from operations.rights.requests import Request
from operations.rights.tombstones import Hand, Stone, begun, extend, held_persons, open_erasures, tombstones_of
from privacy.asked import Asked, asked_mark, quotes_asked
from privacy.keys import region_key
from privacy.pseudonyms import Kind, pseudonym
from privacy.suppression import Suppression
from privacy.suppression_book import SuppressionBook
from settings import RomiError, Settings


def look_again(settings: Settings, region: str) -> list[Request]:
    """Look where open erasures could not, if that has changed. The caller holds the warehouse.

    Call it before anything is taken out of the region's file, since a person's devices are known by their rows.

    Returns:
        The erasures that are open still.

    Raises:
        RomiError: a book or a key is not at hand, so none of them can go on.
    """
    extend(settings, region)
    stones = SuppressionBook(settings.warehouse, region).requests()
    waiting = [one for one in open_erasures(settings, region) if one.id in stones]
    if not waiting:
        return open_erasures(settings, region)
    hold, asked = take_hold(settings, region), SuppressionBook(settings.warehouse, region).asked()
    waiting = _of_this_key(hold, waiting, asked)
    now_missing = _still_missing(hold, waiting)
    waiting = [one for one in waiting if not one.looks or {it.key for it in one.missing} != now_missing[one.id]]
    if waiting:
        asked = [one for one in asked if one.request in {it.id for it in waiting}]
        found = archive_search.search(settings, region, _by_mark(hold.hand, waiting, asked))
        with hold.file() as con:
            cases = _cases(hold.hand, con, waiting, asked, found.met)
        remove(hold, cases, found)
    return open_erasures(settings, region)


def _of_this_key(hold: Hold, waiting: Sequence[Request], asked: Sequence[Asked]) -> list[Request]:
    """Those whose tombstones were made under the key that the region's file has; of others nothing can be found."""
    strange = {one.request for one in asked if hold.hand.pseudonym.after(one.under) is None}
    for one in waiting:
        if one.id in strange and not one.lacks(WHO):
            problem = f"region {hold.hand.region} could not be read, and its key was another: name the person again"
            hold.hand.requests.look(one, a_look(missing=(Missing(WHO, hold.hand.region, problem),)))
    return [one for one in waiting if one.id not in strange]


def _still_missing(hold: Hold, waiting: Sequence[Request]) -> dict[str, set[tuple[str, str]]]:
    """By request, what is missing now of what was, as far as a glance tells."""
    settings, region = hold.hand.settings, hold.hand.region
    archives, landing = archive_search.landed(settings, region)
    names = {it.name for one in waiting for it in one.missing if it.place == ARCHIVE}
    unreadable = names if landing else archive_search.still_unreadable(archives, names)
    always = {one.key for one in [*hold.missing, *hold.lacking, *([landing] if landing else [])]}
    try:
        region_key(settings.warehouse, region, "seal", make=False)
        has_seal = True
    except RomiError:
        has_seal = False
    return {
        one.id: always | {it.key for it in one.missing if (it.place == ARCHIVE and it.name in unreadable)
                          or (it.place == LETTERS and not has_seal)}
        for one in waiting
    }  # fmt: skip


def _by_mark(hand: Hand, waiting: Sequence[Request], asked: Sequence[Asked]) -> Sought:
    """For requests of which keyed hashes alone are kept."""
    suppression, places = hand.book.load(), {one.id: n for n, one in enumerate(waiting)}
    emails: dict[str, list[int]] = {}
    for one in asked:
        if one.kind == "email":
            emails.setdefault(one.mark, []).append(places[one.request])

    def naming(kind: Kind) -> Naming:
        return lambda text: _requests_of(hand, suppression, kind, text, places)

    def may_name(line: bytes) -> bool:
        return not emails or b"email" in line.lower() or b"\\u" in line

    return Sought(
        len(waiting), naming("user"), naming("anonymous"),
        lambda text: emails.get(asked_mark(hand.stone, "email", text), ()), bool(emails), may_name,
    )  # fmt: skip


def _requests_of(
    hand: Hand, suppression: Suppression | None, kind: Kind, text: str, places: dict[str, int]
) -> Collection[int]:
    if suppression is None:
        return ()
    key = hand.pseudonym
    names = suppression.life(key, kind, pseudonym(key.first, kind, text))
    stones = [stone for name in names for stone in suppression.of(kind, name, key.rotations)]
    return {places[one.request] for one in stones if one.request in places}


def _cases(
    hand: Hand, con: duckdb.DuckDBPyConnection | None, waiting: Sequence[Request], asked: Sequence[Asked],
    met: Sequence[Met],
) -> list[Case]:  # fmt: skip
    """The persons of open erasures: who has their tombstones, and whom archives have shown to be the same."""
    suppression = hand.book.load()
    held = held_persons(con, suppression, (), [one.id for one in waiting]) if con and suppression else {}
    cases = []
    for request, found in zip(waiting, met, strict=True):
        at = begun(hand, found.identifiers)
        known = held.get(request.id, Person())
        person = Person(
            known.users | at.rest.users | at.known.users, known.devices | at.rest.devices | at.known.devices
        )
        person = resolve(con, person) if con else person
        stones = tombstones_of(hand, Stone(request.id, request.received_at), person, known)
        if stones:
            hand.book.add(hand.stone, stones)
        texts = {one.mark for one in asked if one.request == request.id and one.kind == "text"}
        cases.append(Case(request, person, quotes_asked(hand.stone, texts), found.records))
    return cases
