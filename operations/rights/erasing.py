"""What an erasure works with in a region: its keys, its books, its file, and the persons; and what it takes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version

import duckdb

from ingestion.books import meta, region_file
from ingestion.held_key import hold_key
from ingestion.records import naive_utc
from operations import status
from operations.error_messages import describe_error
from operations.removal import erasure
from operations.removal.dead_persons import Keys, Quotes, letters_naming
from operations.rights import rotation
from operations.rights.archive_search import Searched
from operations.rights.missing import LETTERS, REGION, Missing
from operations.rights.persons import Person
from operations.rights.requests import FOUND, REMOVED, Look, Request, RequestBook
from operations.rights.subject_data import held_rows
from operations.rights.tombstones import Hand
from operations.store.memory.findings import of_open_file
from operations.store.memory.keeping import note_tombstones
from operations.store.memory.remembered import is_to_be_kept, remembered_regions
from operations.store.versions import shown_regions
from privacy.keys import region_key
from privacy.suppression_book import SuppressionBook
from settings import RomiError, Settings, now

_NOTHING = {"events": 0, "orders": 0, "dead_letters": 0}


@dataclass
class Case:
    """A person in the hands of an erasure; pseudonyms as the region's file has them."""

    request: Request
    person: Person
    quotes: Quotes
    met: int
    was_erased_before: bool = False


@dataclass
class Hold:
    """What is needed to erase in a region, and what of it cannot be had."""

    hand: Hand
    missing: list[Missing] = field(default_factory=list)  # why its file cannot be worked on
    lacking: list[Missing] = field(default_factory=list)  # what its file should have: looking there is not enough

    @contextmanager
    def file(self) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """The region's file; None where there is none, or it cannot be read."""
        settings, region = self.hand.settings, self.hand.region
        if self.missing or not settings.region_file(region).is_file():
            yield None
            return
        with region_file(settings, region, read_only=True) as con:
            yield con


def regions_expected(settings: Settings) -> set[str]:
    """The regions that are published, or remembered to have a file, whether or not anything else of them is there."""
    kept = {region for region in remembered_regions(settings) if is_to_be_kept(settings, region)}
    try:
        return kept | set(shown_regions(settings))
    except (OSError, ValueError, LookupError):  # who reads what is published tells of it
        return kept


def take_hold(settings: Settings, region: str) -> Hold:
    """The keys and books of a region.

    Raises:
        RomiError: one is not at hand, so no tombstone can be written.
    """
    file, missing, lacking, held = settings.region_file(region), [], [], None
    is_lost = not file.is_file() and region in regions_expected(settings)
    key = region_key(settings.warehouse, region, "pseudonym", make=not (file.is_file() or is_lost))
    if is_lost:
        missing.append(Missing(REGION, region, f"the file of region {region} is gone: restore a backup"))
    elif file.is_file():
        try:
            with region_file(settings, region, read_only=True) as con:
                held = meta(con, "pseudonym_key")
                if less := of_open_file(con, settings, region):
                    lacking.append(Missing(REGION, region, str(less)))
        except RomiError as error:
            missing.append(Missing(REGION, region, f"the file of region {region}: {describe_error(error)}"))
    if held is not None and key.after(held) is None:
        with region_file(settings, region, read_only=True) as con:
            hold_key(con, key)  # says what is wrong
    book = SuppressionBook(settings.warehouse, region)
    hand = Hand(settings, region, key, book.key(), book, RequestBook(settings, region))
    if held is not None:
        rotation.catch_up(settings, region)
    return Hold(hand, missing, lacking)


def remove(hold: Hold, cases: Sequence[Case], found: Searched) -> None:
    """Take the persons out of the region's file, and note what the look came to."""
    hand, missing = hold.hand, [*found.missing, *hold.missing, *hold.lacking]
    settings, region = hand.settings, hand.region
    facts = {"archives": found.archives, "archive_records": found.records}
    with hold.file() as con:
        searched, looks = _searched(hand, con, cases, missing) if con else ({}, [{} for _ in cases])
    removed = _NOTHING
    if not hold.missing:
        _note_found(hand, cases, looks)
        try:
            done = erasure.enforce(settings, region, with_letters=not any(one.place == LETTERS for one in missing),
                                   quotes=any_of([one.quotes for one in cases]))  # fmt: skip
            removed = {"events": done.events, "orders": done.orders, "dead_letters": done.dead_letters}
        except RomiError as error:
            missing.append(Missing(REGION, region, f"the file of region {region}: {describe_error(error)}"))
    for case, look in zip(cases, looks, strict=True):
        hand.requests.look(case.request, a_look(
            **facts, **searched, **look, met=case.met, was_erased_before=case.was_erased_before, removed=removed,
            missing=tuple(missing)))  # fmt: skip
    if not missing:
        _note_removed(hand, [one.request.id for one in cases])
    if settings.region_file(region).is_file() and not hold.missing:
        with region_file(settings, region) as con:
            if not any(one.place == REGION for one in missing):
                note_tombstones(con, settings, region)
            status.write_snapshot(con, settings, region)


def _note_found(hand: Hand, cases: Sequence[Case], looks: Sequence[dict]) -> None:
    """Who was found, before the rows go that a look after a kill would not find."""
    for case, look in zip(cases, looks, strict=True):
        rows, letters = sum(look.get("rows", {}).values()), look.get("letters_met", 0)
        if rows or letters:
            hand.requests.step(case.request, FOUND, rows=rows, dead_letters=letters)


def _note_removed(hand: Hand, requests: Sequence[str]) -> None:
    """Each has looked everywhere: note what all its looks have removed."""
    booked = hand.requests.requests()
    shared = {"of_requests": len(requests)} if len(requests) > 1 else {}  # counted for all of them together
    for one in requests:
        removed = _NOTHING | booked[one].removed
        hand.requests.step(booked[one], REMOVED, **removed, **shared)


def _searched(
    hand: Hand, con: duckdb.DuckDBPyConnection, cases: Sequence[Case], missing: list[Missing]
) -> tuple[dict[str, int], list[dict]]:
    """How much of the region's file is searched, and for each case what names the person in it."""
    count = "select (select count(*) from raw.events), (select count(*) from ops.dead_letters)"
    events, letters = con.execute(count).fetchall()[0]
    rows = held_rows(con, [one.person for one in cases])
    met = [0] * len(cases)
    try:
        keys = Keys(region_key(hand.settings.warehouse, hand.region, "seal", make=False), hand.pseudonym)
        # Whether a letter names somebody is asked only where nothing else does.
        unknown = [n for n, one in enumerate(cases) if not rows[n] and not one.met]
        named_in = letters_naming(
            con, hand.settings, keys, [(cases[n].person.all, cases[n].quotes) for n in unknown] if letters else []
        )
        for n, found in zip(unknown, named_in, strict=False):
            met[n] = len(found)
    except RomiError as error:
        missing.append(Missing(LETTERS, hand.region, f"dead letters of region {hand.region}: {describe_error(error)}"))
    looks = [{"rows": rows[n], "letters_met": met[n]} for n in range(len(cases))]
    return {"events": events, "letters": letters}, looks


def any_of(quotes: Sequence[Quotes]) -> Quotes:
    return lambda text: any(one(text) for one in quotes)


def a_look(**facts) -> Look:
    return Look(naive_utc(now()).isoformat(), version("romi-warehouse"), **facts)
