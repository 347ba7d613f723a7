"""A look at a region's landing zone that is cheap enough for every minute."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from operations import status
from operations.recovery import backlog, history
from settings import RomiError, Settings


@dataclass(frozen=True)
class Look:
    """What waits: a digest that changes with it, and the depth by topic, where it has changed."""

    digest: str | None
    is_waiting: bool = False
    topics: dict[str, dict[str, Any]] = field(default_factory=dict)


def look(settings: Settings, region: str, known: str | None) -> Look:
    """Look at what waits to be loaded, and book it in the history where its digest is not the `known` one.

    Of a landing zone that cannot be listed nothing new is known: the next load says what is wrong with it.
    """
    try:
        left = backlog.waiting(settings, region)
    except RomiError:
        return Look(known)
    stamps = "\n".join(f"{one.name} {one.size} {one.mtime_ns}" for one in left)
    digest = hashlib.sha256(stamps.encode()).hexdigest()[:16]
    if digest == known:
        return Look(digest, bool(left))
    known_books = {one["region"]: one["books"] for one in status.snapshots(settings) if "books" in one}
    topics = backlog.by_topic(known_books.get(region, {"topics": {}}), left)
    history.book_depth(settings, region, topics)
    return Look(digest, bool(left), topics)
