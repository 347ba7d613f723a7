"""The backlog of a region by topic: what has landed and is not in the books, told from names, sizes and stamps alone.

Nothing here opens the region's file but :func:`books`, which a writer calls and whose result stands in the status
snapshot; so all of it answers while a writer holds the file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import duckdb

from ingestion import gaps
from ingestion.landing import Landed, Place, discover
from ingestion.replica import landed_copies, replica_problem
from ingestion.seen import Seen, read_seen, seen
from operations import switches
from operations.incidents import unused
from operations.recovery import history
from operations.recovery.estimate import PACKING, estimate_records, packing
from settings import Settings, TransientError, UsageError, now

_DAY = timedelta(days=1)
_TOPIC = "if(kind = 'events', topic, '(' || kind || ')')"
_LOADED = f"""
    select {_TOPIC} as topic, {PACKING} as packing, count(*), sum(records)::bigint, sum(size_bytes)::bigint
    from ops.archives where state = 'loaded' group by all order by all"""
_HOURS = """
    select date_trunc('hour', {moment}) as hour, sum(records)::bigint
    from ops.archives where state = 'loaded' and kind = 'events' and {moment} > ?::timestamp - interval 25 hour
    group by all order by all"""
_ARRIVED_AT = "make_timestamp(mtime_ns // 1000)"
_FAILOVERS = """
    select name, why, archives.size_bytes, archives.mtime_ns
    from ops.failovers join ops.archives using (archive_id, name)
    where is_served and failed_over_at > ?::timestamp - interval 35 day
    qualify row_number() over (partition by name order by archive_id desc) = 1"""
_SHOWN = 1000  # names of failovers in a snapshot


def books(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What the region's books add to what lies in the landing zone; small, and as JSON has it."""
    clock = now().astimezone(UTC).replace(tzinfo=None)
    return {
        "topics": _loaded(con),
        "arrived": _hours(con, _ARRIVED_AT, clock),
        "drained": _hours(con, "loaded_at", clock),
        "known_loss": gaps.known_loss(con),
        "corrupt": unused.corrupt(con),
        "average": unused.average(con),
        "failovers": [list(row) for row in con.execute(f"{_FAILOVERS} limit {_SHOWN}", [clock]).fetchall()],
    }


def _loaded(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """By topic what was loaded, in all and by packing."""
    found: dict[str, dict[str, Any]] = {}
    for topic, packed, *amounts in con.execute(_LOADED).fetchall():
        here = found.setdefault(topic, {"archives": 0, "records": 0, "bytes": 0, "by_packing": {}})
        for name, amount in zip(("archives", "records", "bytes"), amounts, strict=True):
            here[name] += amount
        here["by_packing"][packed] = {"records": amounts[1], "bytes": amounts[2]}
    return found


def _hours(con: duckdb.DuckDBPyConnection, moment: str, clock: datetime) -> dict[str, int]:
    return {
        hour.isoformat(): records for hour, records in con.execute(_HOURS.format(moment=moment), [clock]).fetchall()
    }


def of_open_file(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> dict[str, Any]:
    """:func:`measure` of a region whose file is open here."""
    return measure(settings, region, books(con), seen(con))


def waiting(
    settings: Settings, region: str, held: Seen | None = None, there: list[Place] | None = None
) -> list[Landed]:
    """What has landed and is not in the books, in the order in which it will be loaded.

    Args:
        held: what the books hold; without it, their copy.
        there: what lies there and is not in the books as it lies there, where that is known already.

    Raises:
        UsageError: there is no landing zone.
        TransientError: it cannot be listed.
    """
    held = held or read_seen(settings, region) or Seen({}, {}, {})
    if settings.region(region).replica is None:  # what the books hold need not even be looked at
        return _to_read(settings, region, held.unseen(discover(settings, region, held.stamps, there)))
    return _to_read(settings, region, held.unseen(landed_copies(settings, region)))


def _to_read(settings: Settings, region: str, left: Iterable[Landed]) -> list[Landed]:
    """Without archives of source formats that are off there."""
    reads = cache(lambda topic: settings.reads_topic(topic, region))
    return [one for one in left if one.kind != "events" or reads(one.topic)]


def measure(settings: Settings, region: str, of_books: dict[str, Any], held: Seen | None = None) -> dict[str, Any]:
    """The backlog as ``romi status --json`` has it, as of this moment; the depth is None where nobody can tell.

    Args:
        of_books: what :func:`books` told last.
        held: what the books hold; without it, their copy.
    """
    held = held or read_seen(settings, region) or Seen({}, {}, {})
    try:
        landed = landed_copies(settings, region)
        unseen = held.unseen(landed)
        left: list[Landed] | None = _to_read(settings, region, unseen)
        found = unused.found(held, settings, region, landed)
        found["switched_off"] = list(switches.unread_lines(settings, region, unseen))
    except (UsageError, TransientError):
        landed, left, found = [], None, unused.NOT_KNOWN
    return {
        **depth(settings, region, of_books, left),
        **found,
        "known_loss": of_books["known_loss"],
        "corrupt": of_books["corrupt"],
        "average": of_books["average"],
        "failovers": _standing(of_books["failovers"], landed),
        "replica_problem": replica_problem(settings, region),
        "last_arrival": _moment(max((one.mtime_ns for one in landed if one.kind == "events"), default=None)),
    }


def depth(settings: Settings, region: str, of_books: dict[str, Any], left: Iterable[Landed] | None) -> dict[str, Any]:
    """How deep the backlog is, in all and by topic, how fast it fills and drains, and when it will be clear.

    Records that wait are estimated by the bytes of a record of their topic and packing so far.
    """
    pace = drain_pace(settings, region)
    topics = by_topic(of_books, left or [], pace)
    is_known = left is not None
    ages = [one["oldest_age_seconds"] for one in topics.values() if one["oldest_age_seconds"] is not None]
    arrived, drained = (_last_day(of_books[name]) for name in ("arrived", "drained"))
    size = sum(one["bytes"] for one in topics.values())
    return {
        "archives": sum(one["archives"] for one in topics.values()) if is_known else None,
        "records": sum(one["records"] for one in topics.values()) if is_known else None,
        "bytes": size if is_known else None,
        "oldest_age_seconds": max(ages, default=None),
        "arrived_records_24h": arrived,
        "drained_records_24h": drained,
        "arrival_records_per_hour": round(arrived / 24, 1),
        "drain_records_per_hour": pace and round(pace["records"] / pace["seconds"] * 3600, 1),
        "seconds_to_clear": _seconds_to_clear(size, pace) if is_known else None,
        "topics": topics if is_known else {},
    }


def by_topic(
    of_books: dict[str, Any], left: Iterable[Landed], pace: dict[str, float] | None
) -> dict[str, dict[str, Any]]:
    """The depth of each topic that anything of is known; a table's is its kind in brackets.

    Args:
        pace: what :func:`drain_pace` told.
    """
    clock = now().timestamp()
    known, lost = of_books["topics"], Counter[str]()
    for one in of_books.get("known_loss", ()):
        lost[one["topic"]] += one["records"]
    found: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"archives": 0, "records": 0, "bytes": 0, "oldest": None, "packed": Counter()}
    )
    for topic in sorted(known):
        found[topic]["records"] = 0
    for landed in left:
        here = found[landed.topic if landed.kind == "events" else f"({landed.kind})"]
        here["archives"] += 1
        here["bytes"] += landed.size
        here["oldest"] = min(landed.mtime_ns, here["oldest"] or landed.mtime_ns)
        here["packed"][packing(landed.name)] += landed.size
    for topic, here in found.items():
        so_far = known.get(topic, {"records": 0})
        here["records"] = estimate_records(known, topic, here.pop("packed"))
        oldest = here.pop("oldest")
        here["oldest_age_seconds"] = None if oldest is None else max(0, int(clock - oldest / 1e9))
        here["seconds_to_clear"] = _seconds_to_clear(here["bytes"], pace)
        here["known_loss_records"] = lost[topic]
        here["drained_records"] = so_far["records"]
        here["arrived_records"] = so_far["records"] + here["records"]
    return dict(found)


def drain_pace(settings: Settings, region: str) -> dict[str, float] | None:
    """Records, bytes and seconds of the last loads that were more than a handful; None before the first."""
    loads = [one for one in history.work(settings, "load", region) if one.get("records")]
    if not loads or not sum(one["seconds"] for one in loads):
        return None
    return {name: sum(one.get(name, 0) for one in loads) for name in ("records", "bytes", "seconds")}


def _last_day(hours: dict[str, int]) -> int:
    since = (now() - _DAY).astimezone(UTC).replace(tzinfo=None)
    ends = ((datetime.fromisoformat(hour) + timedelta(hours=1), records) for hour, records in hours.items())
    return sum(records for end, records in ends if end > since)


def _seconds_to_clear(size: int, pace: dict[str, float] | None) -> int | None:
    """At the pace of the last loads; what arrives meanwhile arrives slower by far, and is in the next load."""
    if not size:
        return 0
    return round(size * pace["seconds"] / pace["bytes"]) if pace and pace["bytes"] else None


def _standing(failovers: list[list[Any]], landed: list[Landed]) -> list[dict[str, str]]:
    """Failovers of which the primary is still not whole: what it did not have is not there, or as it was."""
    there, found = {one.name: one for one in landed}, []
    for name, why, size, mtime_ns in failovers:
        if one := there.get(name):
            is_as_it_was = why != "missing" and (one.size, one.mtime_ns) == (size, mtime_ns)
            found += [{"name": name, "why": why}] if is_as_it_was or not one.is_primary else []
    return found


def _moment(ns: int | None) -> str | None:
    return None if ns is None else datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="seconds")
