"""What a region's file, its books and its keys are now, in the terms that are remembered of them."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import duckdb

from ingestion.books import meta, put_meta
from operations.store.memory.shapes import Archive, Book, File, Worth
from privacy.keys import Purpose, region_key
from settings import RomiError, Settings
from settings.digests import sha256_of

IDENTITY = "identity"  # in `ops.meta`
_TOMBSTONES = "tombstones"  # there, too
_CONTENT = 16  # hexadecimal digits of a SHA-256
_SUPPRESSION = "suppression.jsonl"  # has a memory of its own, beside the keys
ROLLING = ("books/confirmed.jsonl",)  # forget their oldest lines, so that nothing is lost where those are gone
_LOADED = f"""
    select kind, name, left(sha256, {_CONTENT}), records from ops.archives
    where state = 'loaded' and records > 0 order by archive_id"""


def tip(con: duckdb.DuckDBPyConnection) -> int:
    """The id of the last archive in the books."""
    found: int = con.execute("select coalesce(max(archive_id), 0) from ops.archives").fetchall()[0][0]
    return found


def digest(con: duckdb.DuckDBPyConnection, up_to: int) -> str:
    """Names what the books hold of archives up to that id: neither their ids nor their contents ever change."""
    return con.execute(
        """select count(*) || ':' || coalesce(sum(hash(archive_id, sha256)::hugeint), 0)
        from ops.archives where archive_id <= ?""",
        [up_to],
    ).fetchall()[0][0]


def archives(con: duckdb.DuckDBPyConnection) -> tuple[Archive, ...]:
    """Every loaded file that had records, in the order of loading."""
    return tuple(
        Archive(kind=kind, name=name, content=content, records=records)
        for kind, name, content, records in con.execute(_LOADED).fetchall()
    )


def expired(con: duckdb.DuckDBPyConnection) -> int:
    """How many records were too old on arrival."""
    query = "select coalesce(sum(records), 0)::bigint from ops.fates where fate = 'expired'"
    found: int = con.execute(query).fetchall()[0][0]
    return found


def identity(con: duckdb.DuckDBPyConnection) -> str | None:
    return meta(con, IDENTITY)


def give_identity(con: duckdb.DuckDBPyConnection, identity: str) -> None:
    put_meta(con, IDENTITY, identity)


def tombstones(con: duckdb.DuckDBPyConnection) -> int:
    """How many there were when the region's file had all that it must and nobody of them in it; 0 if never noted."""
    return int(meta(con, _TOMBSTONES) or 0)


def note_tombstones(con: duckdb.DuckDBPyConnection, count: int) -> None:
    if count != tombstones(con):
        put_meta(con, _TOMBSTONES, str(count))


def rules(con: duckdb.DuckDBPyConnection) -> str | None:
    return meta(con, "rules")


def key_fingerprints(settings: Settings, region: str) -> dict[str, str]:
    """Of the region's keys that are at hand; none is made."""
    found = {}
    for purpose in get_args(Purpose):
        try:
            found[purpose] = region_key(settings.warehouse, region, purpose, make=False).fingerprint
        except RomiError:
            continue
    return found


def is_rotated(settings: Settings, region: str, fingerprint: str) -> bool:
    """Whether the pseudonym key at hand had this fingerprint before it was rotated."""
    try:
        return region_key(settings.warehouse, region, "pseudonym", make=False).after(fingerprint) is not None
    except RomiError:
        return False


def books(settings: Settings, region: str | None, known: dict[str, Book]) -> dict[str, Book]:
    """The region's books of lines, or those of the warehouse, by their path in it.

    Those that are as `known` are not read again.
    """
    folder = settings.warehouse / "books" / (region or "")
    paths = [path for path in sorted(folder.glob("*.jsonl")) if path.name != _SUPPRESSION and path.is_file()]
    names = {str(path.relative_to(settings.warehouse)): path for path in paths}
    return {name: _book(path, known.get(name)) for name, path in names.items() if name not in ROLLING}


def _book(path: Path, known: Book | None) -> Book:
    if known and path.stat().st_size == known.bytes and is_prefix(path, known):
        return known
    content = path.read_bytes()
    content = content[: content.rfind(b"\n") + 1]  # a kill may have cut the last line short
    return Book(bytes=len(content), lines=content.count(b"\n"), sha256=hashlib.sha256(content).hexdigest())


def lost_books(settings: Settings, known: dict[str, Book]) -> dict[str, str]:
    """Those that no longer begin with what is known of them, by their path in the warehouse, with what they have."""
    found = {}
    for name, one in known.items():
        if name in ROLLING:  # earlier releases remembered them, too
            continue
        path = settings.warehouse / name
        try:
            size = path.stat().st_size if path.is_file() else -1
            if size >= one.bytes and is_prefix(path, one):
                continue
        except OSError:
            size = -1
        has = f"has {lines_in(path):,} lines" if size < one.bytes else "has other lines than it had"
        found[name] = "is missing" if size < 0 else has
    return found


def is_prefix(path: Path, known: Book) -> bool:
    """Whether the book still begins with what is known of it."""
    with path.open("rb") as file:
        return sha256_of(file, known.bytes) == known.sha256


def lines_in(path: Path) -> int:
    """The whole lines of a book; none where it cannot be read."""
    try:
        return path.read_bytes().count(b"\n")
    except OSError:
        return 0


def published_files(folder: Path, known: dict[str, File]) -> dict[str, File]:
    """The files of a version by their path in it; one whose stamp is known is not read again."""
    found = {}
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        name, stat = str(path.relative_to(folder)), path.stat()
        last = known.get(name)
        if last is None or (last.bytes, last.mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            last = File(bytes=stat.st_size, mtime_ns=stat.st_mtime_ns, sha256=content_of(path))
        found[name] = last
    return found


def content_of(path: Path) -> str:
    with path.open("rb") as file:
        return sha256_of(file)


def worth(marts: Path, version: int) -> dict[str, Worth]:
    """What finance reads of each region."""
    with duckdb.connect(str(marts), read_only=True, config={"temp_directory": ""}) as con:
        rows: list[tuple[str, date, date, int, int, Any]] = con.execute("""
            select region, min(date), max(date), count(distinct date), coalesce(sum(orders), 0)::bigint,
                coalesce(sum(revenue), 0)
            from finance.orders_daily group by region""").fetchall()
    return {
        region: Worth(version=version, first_day=first, last_day=last, days=days, orders=orders,
                      revenue=Decimal(revenue))
        for region, first, last, days, orders, revenue in rows
    }  # fmt: skip
