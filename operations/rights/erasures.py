"""Erasures in one region: tombstones, the search for the person, and what is taken out of the region's file.

An erasure that could not look everywhere is open, and each run looks again where it could not
(:mod:`operations.rights.open_erasures`). :func:`conclude` ends it when what is published has followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from operations.error_messages import describe_error
from operations.removal.dead_persons import quotes_of
from operations.rights import archive_search
from operations.rights.archive_search import Met
from operations.rights.erasing import Case, a_look, any_of, remove, take_hold
from operations.rights.missing import WHO, Missing
from operations.rights.open_erasures import look_again
from operations.rights.persons import Identifiers, Person, Subject
from operations.rights.requests import DONE, REMOVED, Request, RequestBook, new_id, unfinished
from operations.rights.tombstones import Hand, begun, suppress
from operations.store.versions import current_version, dispose_other_versions
from settings import RomiError, Settings


def begin(settings: Settings, region: str, subjects: Sequence[Subject], chosen: str | None = None) -> list[Request]:
    """Erase persons as far as can be looked. The caller holds the warehouse.

    Args:
        chosen: the open request to go on with; without it, one that these persons have begun is found again.

    Returns:
        The request of each person; some may share one.

    Raises:
        PermanentError: the book of requests cannot be read.
    """
    book = RequestBook(settings, region)
    request = book.requests().get(chosen) if chosen else None
    try:
        look_again(settings, region)
        hold = take_hold(settings, region)
        found = archive_search.search(settings, region, archive_search.in_plain(subjects))
        with hold.file() as con:
            cases = [_case(hold.hand, con, one, met, request) for one, met in zip(subjects, found.met, strict=True)]
    except RomiError as error:
        unable = Missing(WHO, region, f"region {region}: {describe_error(error)}; nothing was kept of who is meant")
        return [_unable(book, request, unable)] * len(subjects)
    remove(hold, _merged(cases), found)
    booked = book.requests()
    return [booked[one.request.id] for one in cases]


def conclude(settings: Settings) -> None:
    """End the erasures that have looked everywhere. Call it when what is published follows the regions' files.

    All versions but the current one are disposed of first, so there is nothing to go back to.

    Raises:
        PermanentError: a book of requests cannot be read.
    """
    ready = [one for one in unfinished(settings) if REMOVED in one.steps]
    current = current_version(settings)
    disposed = dispose_other_versions(settings) if ready and current else 0
    for one in ready:
        book = RequestBook(settings, one.region)
        book.step(one, "published", version=current or 0, disposed_versions=disposed)
        book.step(one, DONE)


def _case(
    hand: Hand, con: duckdb.DuckDBPyConnection | None, subject: Subject, met: Met, chosen: Request | None
) -> Case:
    identifiers = Identifiers(
        tuple(sorted(subject.user_ids | met.users)), tuple(sorted(subject.anonymous_ids | met.devices))
    )
    at = begun(hand, identifiers)
    request, person = suppress(hand, con, at, subject, chosen)
    return Case(request, person, quotes_of(sorted(subject.texts)), met.records, at.was_erased_before)


def _merged(cases: Sequence[Case]) -> list[Case]:
    """One for each request: a person may be named twice."""
    found: dict[str, Case] = {}
    for one in cases:
        if known := found.get(one.request.id):
            person = Person(known.person.users | one.person.users, known.person.devices | one.person.devices,
                            known.person.shared | one.person.shared)  # fmt: skip
            found[one.request.id] = replace(
                known, person=person, quotes=any_of([known.quotes, one.quotes]), met=known.met + one.met
            )
        else:
            found[one.request.id] = one
    return list(found.values())


def _unable(book: RequestBook, request: Request | None, missing: Missing) -> Request:
    """Book that nothing could be done, and that somebody has to name the person again."""
    request = request or book.open(new_id(), "erase")
    book.look(request, a_look(missing=(missing,)))
    return book.requests()[request.id]
