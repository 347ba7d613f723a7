"""A look at a region's landing zone that is cheap enough for every minute."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from ingestion.landing import Place, listings, lying
from ingestion.seen import Seen, read_seen
from ingestion.zone import zone
from operations import status
from operations.recovery import backlog, history
from settings import RomiError, Settings


@dataclass(frozen=True)
class Look:
    """What waits: a digest that changes with it, and the depth by topic, where it has changed."""

    digest: str | None
    is_waiting: bool = False
    topics: dict[str, dict[str, Any]] = field(default_factory=dict)
    listing: str | None = None  # a digest of what lies there and is not in the books as it lies there

    @property
    def cursor(self) -> str | None:
        """What the next look is to be given."""
        return self.digest and f"{self.digest} {self.listing or '-'} {int(self.is_waiting)}"


def look(settings: Settings, region: str, known: str | None) -> Look:
    """Look at what waits to be loaded, and book it in the history where its digest is not the known one.

    Of a landing zone that cannot be listed nothing new is known: the next load says what is wrong with it.

    Args:
        known: the cursor of the look before. While nothing has come or gone since, no name is taken apart.
    """
    before, held = _of_cursor(known), read_seen(settings, region) or Seen({}, {}, {})
    try:
        there, listing = _listing(settings, region, held)
        if listing is not None and listing == before.listing:
            return before
        left = backlog.waiting(settings, region, held, there)
    except RomiError:
        return before
    digest = _digest(f"{one.name} {one.size} {one.mtime_ns}" for one in left)
    if digest == before.digest:
        return Look(digest, bool(left), listing=listing)
    known_books = {one["region"]: one["books"] for one in status.snapshots(settings) if "books" in one}
    pace = backlog.drain_pace(settings, region)
    topics = backlog.by_topic(known_books.get(region, {"topics": {}}), left, pace)
    history.book_depth(settings, region, topics)
    return Look(digest, bool(left), topics, listing)


def _of_cursor(known: str | None) -> Look:
    """Without topics; earlier releases kept the digest alone."""
    digest, listing, is_waiting = (*(known or "").split(" "), "", "")[:3]
    return Look(digest or None, is_waiting == "1", listing=listing if listing not in ("", "-") else None)


def _listing(settings: Settings, region: str, held: Seen) -> tuple[list[Place] | None, str | None]:
    """Nothing of a region with a replica, whose files are compared one by one, and with rates, which lie elsewhere."""
    if settings.region(region).replica is not None:
        return None, None
    there = lying(zone(settings.landing, listings(settings)), f"{region}/", held.stamps)
    of_rates = [(place, file) for place, file in zone(settings.landing).files("fx")]
    decides = settings.model_dump_json(include={"features", "topics", "landing"})
    lines = [decides]
    for place, file in chain(((place, file) for _, place, file in there), of_rates):
        stat = file.stat()
        lines.append(f"{place!r} {stat.st_size} {stat.st_mtime_ns} {held.contents.get(place)}")
    return there, _digest(lines)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]
