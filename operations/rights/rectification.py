"""Whose a device is, put right: in the region's file, and in a book that a restore to before it does not lose.

The book names nobody. A device and its user stand in it as marks under the key of the tombstones, which are found again
in a restored file by marking what is there, in the form it has or in those that later rotations give it.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import polars as pl

from ingestion.books import region_file, transaction
from ingestion.records import naive_utc
from operations import status
from operations.rebuilding import plan
from operations.removal import erasure
from privacy.keys import Key, region_key
from privacy.line_book import LineBook
from privacy.pseudonyms import Kind, nested_all, pseudonyms
from privacy.suppression import mark
from privacy.suppression_book import SuppressionBook
from settings import Settings, now


def owners_book(settings: Settings, region: str) -> LineBook:
    return LineBook(settings.warehouse / "books" / region / "owners.jsonl", region)


def relink(settings: Settings, region: str, device: str, user: str) -> int:
    """Make the device the user's, both by pseudonym, and let the days concerned wait for their rebuild.

    Returns:
        How many events take part; none where the region does not know the device.
    """
    with region_file(settings, region, read_only=True) as con:
        known = "select count(*) from raw.events where anonymous_id = ?::uuid"
        if con.execute(known, [device]).fetchall() == [(0,)]:
            return 0
    key = SuppressionBook(settings.warehouse, region).key()
    owners_book(settings, region).append({
        "key": key.fingerprint, "at": naive_utc(now()).isoformat(),
        "device": mark(key, "anonymous", device), "user": mark(key, "user", user),
    })  # fmt: skip
    with region_file(settings, region) as con:
        with transaction(con):
            events = _own(con, device, user)
        plan.plan(con, settings, region)
        status.write_snapshot(con, settings, region)
    return events


def _own(con: duckdb.DuckDBPyConnection, device: str, user: str) -> int:
    con.execute("delete from ops.device_owners where anonymous_id = ?::uuid", [device])
    con.execute("insert into ops.device_owners values (?::uuid, ?::uuid)", [device, user])
    return con.execute(
        """insert into ops.changes
        select 'event', null, message_id::varchar from raw.events
        where anonymous_id = $device::uuid or user_id = $user::uuid
            or user_id in (select user_id from raw.events where anonymous_id = $device::uuid)""",
        {"device": device, "user": user},
    ).fetchall()[0][0]


def reapply(settings: Settings, region: str) -> int:
    """Put right in a restored file what was put right since; the next run rebuilds the days it concerns.

    Returns:
        How many devices change hands.

    Raises:
        UsageError: the key of the book's marks is not at hand.
    """
    latest = {line["device"]: line["user"] for line in sorted(owners_book(settings, region).lines(), key=_moment)}
    if not latest or not settings.region_file(region).is_file():
        return 0
    key = region_key(settings.warehouse, region, "suppression", make=False)
    with region_file(settings, region) as con, transaction(con):
        rotations = erasure.rotations_due(con, settings, region)
        devices = _by_mark(con, "anonymous_id", "anonymous", key, rotations, set(latest))
        users = _by_mark(con, "user_id", "user", key, rotations, set(latest.values()))
        # Of two forms of a device the later one was rectified later.
        owned = {devices[one]: users[user] for one, user in latest.items() if one in devices and user in users}
        rows = con.execute("select anonymous_id, user_id from ops.device_owners").fetchall()
        held = {device.hex: user.hex for device, user in rows}
        news = {one: user for one, user in owned.items() if held.get(one) != user}
        for device, user in news.items():
            _own(con, device, user)
    return len(news)


def _moment(line: dict) -> str:
    return line["at"]


def _by_mark(
    con: duckdb.DuckDBPyConnection, column: str, kind: Kind, key: Key, rotations: Sequence[bytes], wanted: set[str]
) -> dict[str, str]:
    """The values of a column of the events whose mark, in some form, is wanted: by mark."""
    names = con.execute(f"select distinct {column}::varchar as id from raw.events where {column} is not null").pl()
    texts = names.select(pl.col("id").str.replace_all("-", ""))
    found: dict[str, str] = {}
    for count in range(len(rotations) + 1):
        marked = texts.select("id", nested_all(pl.col("id"), rotations[:count]).alias("name")).select(
            "id", pseudonyms(key, kind, "name").alias("mark")
        )
        found |= {one: value for value, one in marked.filter(pl.col("mark").is_in(list(wanted))).iter_rows()}
    return found
