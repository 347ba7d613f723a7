"""How many records wait in archives that nobody has opened: by the bytes of a record of their topic and packing."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

# Bytes of JSON lines that a byte of an archive stands for, until archives of that packing have been loaded.
_PACKED = {"gz": 6, "zst": 7, "parquet": 5}
# The same as SQL, of the name of an archive.
PACKING = f"regexp_extract(lower(name), '\\.({'|'.join(_PACKED)})$', 1)"


def packing(name: str) -> str:
    """How a file of that name is packed: ``gz``, ``zst``, ``parquet``; nothing for plain text."""
    suffix = name.rpartition(".")[2].lower()
    return suffix if suffix in _PACKED else ""


def estimate_records(known: dict[str, Any], topic: str, waiting: dict[str, int]) -> int:
    """About how many records wait in so many bytes of a topic.

    Each packing is judged by what was loaded of it in that topic. Of one that is new there, the other packings of the
    topic tell the bytes of a record, and where the topic is new as well, all topics of events do.

    Args:
        known: what :func:`operations.recovery.backlog.books` tells of each topic.
        waiting: bytes by packing.
    """
    events = [one for name, one in known.items() if not name.startswith("(")]
    return sum(_of_packing(known.get(topic), events, packed, size) for packed, size in waiting.items())


def _of_packing(here: dict[str, Any] | None, events: list[dict[str, Any]], packed: str, size: int) -> int:
    alike = (here or {}).get("by_packing", {}).get(packed)
    if alike and alike["bytes"]:
        return int(size * alike["records"] // alike["bytes"])
    unpacked = _unpacked([here] if here else []) or _unpacked(events)
    return size * _PACKED.get(packed, 1) * unpacked[0] // unpacked[1] if unpacked else 0


def _unpacked(topics: list[dict[str, Any]]) -> tuple[int, int] | None:
    """Records, and about how many bytes they were before they were packed; snapshots before 0.2 know no packings."""
    sums: dict[str, int] = defaultdict(int)
    for one in topics:
        for packed, amount in one.get("by_packing", {"": one}).items():
            sums["records"] += amount["records"]
            sums["bytes"] += amount["bytes"] * _PACKED.get(packed, 1)
    return (sums["records"], sums["bytes"]) if sums["bytes"] else None
