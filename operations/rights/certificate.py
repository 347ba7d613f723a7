"""The certificate of an erasure: what was searched and removed, where, when and by which version.

It is signed with the region's key, and names nobody.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from ingestion.records import naive_utc
from operations.backups.backup_places import known_backups, known_in_buckets
from operations.rights.requests import Request
from operations.rights.subjects import requests
from privacy import signing
from privacy.keys import region_key
from privacy.suppression_book import SuppressionBook
from settings import Settings, UnknownValueError, UsageError, now

FORMAT = "romi erasure certificate 1"
_REACH = (
    "Records of the person that arrive later, again or from dead letters are turned away by a tombstone, and taken out"
    " of a backup when it is restored.",
    "Orders keep their money without the person.",
    "Backups are not opened; each is disposed of when its period is over, but for the last one that came back on trial,"
    " which stays until a newer one did.",
    "The landing zone is upstream's, and copies that others made of what was published or exported are theirs.",
)


def certificate(settings: Settings, id_: str) -> str:
    """The signed certificate of an erasure that is done, as text.

    Raises:
        UsageError: there is no such erasure, or it is not done.
    """
    known = {one.id: one for one in requests(settings, None) if one.kind == "erase"}
    if id_ not in known:
        raise UnknownValueError("erasure", id_, list(known))
    request = known[id_]
    if request.done_at is None:
        raise UsageError(f"erasure {id_} is not done, so nothing can be certified: {request.why_open}")
    key = region_key(settings.warehouse, request.region, "certificate")
    return signing.signed(key, _facts(settings, request))


def verify(settings: Settings, text: str, public: bytes | None = None) -> dict[str, Any]:
    """What a certificate says, if it is genuine.

    Args:
        public: the public key to trust; without it, that of the region at hand.

    Raises:
        ForgedError: it was changed, or signed by another key.
        UsageError: no key of the region is at hand.
    """
    if public is None:
        try:
            region = str(json.loads(text)["region"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise signing.ForgedError("this is no certificate, or it was changed") from None
        public = signing.public_key(region_key(settings.warehouse, region, "certificate", make=False))
    found = signing.verified(text, public)
    if found.get("format") != FORMAT:
        raise signing.ForgedError(f"this is signed, but is no {FORMAT}")
    return found


def _facts(settings: Settings, request: Request) -> dict[str, Any]:
    moment = naive_utc(now())
    assert request.done_at
    published = request.steps.get("published", {})
    return {
        "format": FORMAT,
        "request": request.id, "region": request.region, "clock": request.clock,
        "received_at": request.received_at.isoformat(), "due_at": request.due_at.isoformat(),
        "done_at": request.done_at.isoformat(), "state": request.state(moment), "outcome": request.outcome,
        "searched": _searched(request), "named_the_person": _named(request), "removed": _removed(request),
        "tombstones": SuppressionBook(settings.warehouse, request.region).count(request.id),
        "published": {"version": published.get("version", 0),
                      "other_versions_disposed_of": published.get("disposed_versions", 0)},
        "backups": _backups(settings),
        "software": {"erased_by": sorted({one.by for one in request.looks}), "certified_by": version("romi-warehouse")},
        "certified_at": moment.isoformat(), "reach": list(_REACH),
    }  # fmt: skip


def _searched(request: Request) -> dict[str, Any]:
    """Where, in the last look, which left nothing out."""
    found: dict[str, Any] = {"file": f"regions/{request.region}.duckdb", "looks": len(request.looks)}
    if request.looks:
        first, last = request.looks[0], request.looks[-1]
        found |= {"first_at": first.at, "last_at": last.at, "events": last.events, "dead_letters": last.letters,
                  "archives": last.archives, "archive_records": last.archive_records}  # fmt: skip
    return found


def _named(request: Request) -> dict[str, Any]:
    tables: Counter[str] = Counter()
    for one in request.looks:
        tables += Counter(one.rows)
    return {"rows_by_table": dict(tables), "archive_records": max((one.met for one in request.looks), default=0)}


def _removed(request: Request) -> dict[str, Any]:
    removed = request.steps.get("removed", {})
    found = {name: removed.get(name, 0) for name in ("events", "orders", "dead_letters")}
    return {
        "events": found["events"], "orders_made_anonymous": found["orders"], "dead_letters": found["dead_letters"],
        "counted_for_requests": removed.get("of_requests", 1), "file_written_anew": any(found.values()),
    }  # fmt: skip


def _backups(settings: Settings) -> dict[str, Any]:
    """Those that are known to be there, and by when the last of them is disposed of."""
    made = [at for folder, at in known_backups(settings).items() if folder.is_dir()]
    made += known_in_buckets(settings).values()
    period = timedelta(days=settings.retention.backup_days)
    last = max(made) + period if made else None
    return {"at_hand": len(made), "gone_by": str(last.date()) if last else None}
