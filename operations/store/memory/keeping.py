"""The memory brought up to date: after what it is about, so that a kill in between leaves it behind and never ahead."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

import duckdb

from ingestion.books import region_file
from ingestion.landing import Landed
from operations.closes.locks import all_locks, place_of
from operations.store.held_steps import hold
from operations.store.memory import marks
from operations.store.memory.copies import counted_elsewhere
from operations.store.memory.findings import LostStateError, is_whole, of_open_file, of_region
from operations.store.memory.losses import put_losses
from operations.store.memory.remembered import WAREHOUSE, changing, region_memory, remembered_regions, write
from operations.store.memory.shapes import Book, Memory, RegionMemory, Worth
from operations.store.versions import current_version, pinned_version, version_dir
from privacy.suppression_book import SuppressionBook
from settings import RomiError, Settings
from settings.durable import append_durably


def refuse_lost_state(settings: Settings, region: str, *, loads: bool) -> None:
    """Before a region is worked on: stop where something is missing, but for what a load that follows may bring back.

    Raises:
        LostStateError: its file is not the one that was published from, or a book, a key or the region in the
            configuration is missing.
    """
    for one in of_region(settings, region):
        if not (loads and one.may_load_again):
            raise LostStateError(one)
        if one.kind == "older_file":  # loaded again it is as it was, but for what was published in between
            with region_file(settings, region) as con:
                hold(con)


def refuse_copies(settings: Settings, region: str, landed: list[Landed]) -> None:
    """Before files are loaded: stop where another region has counted them.

    Raises:
        LostStateError: it has; nothing is to be loaded.
    """
    if one := counted_elsewhere(settings, region, landed):
        raise LostStateError(one)


def settle_load(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> None:
    """After a load: remember what the region's file has by now, if it has all that it must, though loaded again.

    Raises:
        LostStateError: it still lacks something.
    """
    finding, memory = of_open_file(con, settings, region), region_memory(settings, region)
    if finding and memory and not (finding.may_load_again and is_whole(con, memory)):
        raise LostStateError(finding)
    remember_open_file(con, settings, region)


def remember_open_file(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, memory: RegionMemory | None = None
) -> None:
    """Remember a region's file, open for writing here, as it is, with its books and keys.

    `memory` is what is remembered so far, where it is to be changed with it.
    """
    memory = memory or region_memory(settings, region) or RegionMemory()
    put_losses(con, memory.losses)
    identity = marks.identity(con) or uuid.uuid4().hex
    if marks.identity(con) is None:
        marks.give_identity(con, identity)
    note_tombstones(con, settings, region)
    tip = marks.tip(con)
    digest = marks.digest(con, tip)
    changed: dict[str, Any] = {"expired": marks.expired(con), "rules": marks.rules(con)}
    if (memory.identity, memory.tip, memory.digest) != (identity, tip, digest):
        changed |= {"identity": identity, "tip": tip, "digest": digest, "archives": marks.archives(con)}
    _put(settings, region, memory, changed)


def note_tombstones(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> None:
    """Note in a region's file, open for writing here, that it is whole and nobody with a tombstone is in it.

    A copy of it that is older than another erasure is told by that.
    """
    with suppress(RomiError):  # whoever needs the tombstones says what is wrong with them
        marks.note_tombstones(con, SuppressionBook(settings.warehouse, region).size())


def remember_books(settings: Settings, *regions: str) -> None:
    """Remember the books of regions as they are, which a command has just written to; not where something is lost."""
    for region in regions:
        memory = region_memory(settings, region)
        if memory and not any(of_region(settings, region)):
            _put(settings, region, memory, {})


def add_to_book(settings: Settings, book: str, *lines: str) -> None:
    """Add lines to a book of the warehouse, which is remembered with them.

    Args:
        book: its path in the warehouse.
    """
    append_durably(settings.warehouse / book, *lines)
    if lines:
        with suppress(RomiError):  # the memory stays behind, which raises no alarm, and the next to remember catches up
            remember_shared_books(settings)


def remember_shared_books(settings: Settings, *anew: str) -> None:
    """Remember the books of no region as they are, but for those that have lost something.

    Args:
        anew: books that lack lines by right.
    """
    with changing(settings) as memory:
        known = {name: one for name, one in memory.books.items() if name not in anew}
        books = _books(settings, None, memory.model_copy(update={"books": known}))
        if books != memory.books:
            write(settings, WAREHOUSE, memory.model_copy(update={"books": books}))


def remember_published(settings: Settings) -> None:
    """Remember the current version, its pin, all books, and what finance reads of each region."""
    with changing(settings) as memory:
        current, pinned = current_version(settings), pinned_version(settings)
        is_known = current is None or (current, pinned) == (memory.published, memory.pinned)
        if not is_known and current is not None:
            known = memory.files if current == memory.published else {}
            files = marks.published_files(version_dir(settings, current), known)
            found = {"published": current, "pinned": pinned, "files": files, "highest": max(current, memory.highest)}
            write(settings, WAREHOUSE, memory.model_copy(update=found))
        remember_shared_books(settings)
    worth: dict[str, Worth] = {}
    if not is_known and current is not None:
        with suppress(duckdb.Error):  # the audit has read it a moment ago
            worth = marks.worth(version_dir(settings, current) / "marts.duckdb", current)
    for region in remembered_regions(settings):
        if known_of := region_memory(settings, region):  # another key than it had is none to remember here
            new = {} if is_known else {"worth": worth.get(region)}
            _put(settings, region, known_of, {"keys": known_of.keys, **new})


def remember_closes(settings: Settings) -> None:
    """Remember every close of a month, also one that was reopened since."""
    with changing(settings) as memory:
        closes = memory.closes | {place_of(lock.folder): lock.sha256 for lock in all_locks(settings)}
        if closes != memory.closes:
            write(settings, WAREHOUSE, memory.model_copy(update={"closes": closes}))


def remember_unpinned(settings: Settings) -> None:
    """Remember that nothing is pinned, before the pin is taken away."""
    with changing(settings) as memory:
        if memory.pinned is not None:
            write(settings, WAREHOUSE, memory.model_copy(update={"pinned": None}))


def _put(settings: Settings, region: str, known: RegionMemory, changed: dict[str, Any]) -> None:
    found = known.model_copy(update={
        "books": _books(settings, region, known),
        "keys": known.keys | marks.key_fingerprints(settings, region), **changed,
    })  # fmt: skip
    if found != region_memory(settings, region):
        write(settings, region, found)


def _books(settings: Settings, region: str | None, memory: Memory) -> dict[str, Book]:
    """What is to be remembered of books; of one that has lost lines, what it had before."""
    lost = marks.lost_books(settings, memory.books)
    there = marks.books(settings, region, memory.books)
    return memory.books | {name: one for name, one in there.items() if name not in lost}
