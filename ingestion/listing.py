"""What lies below a folder of a bucket: all of it once a day, and in between what is new.

A store lists 1,000 objects a request, so listing a year of archives to find ten new ones costs more than loading them.
Between full listings the last one is brought up to date instead. A folder is listed anew, with the folders in it, but

- a folder of an earlier time beside later ones (``day=27`` beside ``day=29``) is left as it is known, and
- of a folder of many archives only those after the last offset of each partition are asked for.

What else changes in such a place, be it the first archive of another partition, is seen by the next full listing.
"""

from __future__ import annotations

import hashlib
import io
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter
from pathlib import Path

import polars as pl

from ingestion.object_store import Entry, Prefix
from settings import now
from settings.durable import write_durably

FULL_EVERY = timedelta(days=1)
_SETTLED = 2 * 86_400 * 10**9  # ns: a folder of a time is left alone once its newest object is so much older
_A_PAGE = 1_000  # objects that one request lists
_TIME = re.compile(r"(?:(?:year|month|day|hour|minute|dt|date|time|ts)=)?\d[\d_:T-]*")
_ARCHIVE = re.compile(r"(.+\+\d+\+)(\d+)\.[^/]+", re.DOTALL)  # of a topic and partition, from an offset
_PLACE = attrgetter("place")
_COLUMNS: dict[str, pl.DataType] = {
    "place": pl.String(), "size": pl.Int64(), "mtime_ns": pl.Int64(), "full_at": pl.Datetime("us", "UTC"),
}  # fmt: skip


def list_folder(prefix: Prefix, book: Path | None = None, without: tuple[str, ...] = ()) -> list[Entry]:
    """Every object below the prefix, as of the last full listing and of what has come since.

    Args:
        book: where the listing is kept from one time to the next; None lists all of it.
        without: names directly below the prefix that are passed over; not with a book.
    """
    if without:
        entries, folders = prefix.children()
        walks = (prefix.walk(one) for one in folders if one.rstrip("/") not in without)
        return [*(one for one in entries if one.place not in without), *chain.from_iterable(walks)]
    known = _read(book) if book else None
    if known and timedelta() <= now() - known[0] < FULL_EVERY:
        full_at, entries = known[0], list(_walk(prefix, _Known.of(known[1])))
    else:
        full_at, entries = now(), list(prefix.walk())
    if book:
        _write(book, full_at, entries)
    return entries


def book_of(folder: Path, address: str, name: str) -> Path:
    """The file in `folder` that keeps the listing of that folder of a bucket."""
    return folder / f"{hashlib.sha256(f'{address} {name}'.encode()).hexdigest()[:16]}.listing"


@dataclass(frozen=True)
class _Known:
    """What an earlier listing knows, by folder; a folder's name is "" or ends with a slash."""

    entries: list[Entry]  # by place
    direct: dict[str, list[Entry]]  # objects that lie directly in it
    folders: dict[str, set[str]]  # folders that lie directly in it
    newest: dict[str, int]  # ns: of all that lies below it

    @classmethod
    def of(cls, entries: list[Entry]) -> _Known:
        direct, folders = defaultdict(list), defaultdict(set)
        newest: dict[str, int] = defaultdict(int)
        for one in entries:
            direct[_parent(one.place)].append(one)
        for name, within in direct.items():
            latest = max(one.mtime_ns for one in within)
            newest[name] = max(newest[name], latest)
            while name:
                below, name = name, _parent(name[:-1])
                folders[name].add(below)
                newest[name] = max(newest[name], latest)
        return cls(sorted(entries, key=_PLACE), direct, folders, newest)

    def below(self, folder: str) -> list[Entry]:
        """All that lies anywhere below a folder."""
        first, behind = (bisect_left(self.entries, end, key=_PLACE) for end in (folder, f"{folder}\U0010ffff"))
        return self.entries[first:behind]

    def is_settled(self, folder: str) -> bool:
        """Whether it is a folder of an earlier time, to which nothing is added any more."""
        above = _parent(folder[:-1])
        is_time = _TIME.fullmatch(folder[len(above) : -1]) is not None
        return is_time and self.newest[folder] < self.newest[above] - _SETTLED


def _parent(place: str) -> str:
    return place[: place.rfind("/") + 1]


def _walk(prefix: Prefix, known: _Known, folder: str = "") -> Iterator[Entry]:
    """All that lies below a folder which is known."""
    within = known.direct.get(folder, [])
    ends = _ends(within) if len(within) > _A_PAGE else None
    if ends:
        yield from within
        for start, last in ends.items():
            yield from prefix.walk(start, last)
        children = list(known.folders.get(folder, ()))
    else:
        entries, children = prefix.children(folder)
        yield from entries
    for child in children:
        below = known.below(child)
        if below and known.is_settled(child):
            yield from below
        elif len(below) > _A_PAGE:
            yield from _walk(prefix, known, child)
        else:  # all of it is a request or two
            yield from prefix.walk(child)


def _ends(entries: list[Entry]) -> dict[str, str] | None:
    """The last archive of each partition, by what the names of its archives begin with.

    None where names do not sort as offsets do, or not all are archives.
    """
    last: dict[str, str] = {}
    for one in entries:
        match = _ARCHIVE.fullmatch(one.place)
        if not match:
            return None
        end = last.setdefault(match[1], one.place)
        if len(_ARCHIVE.fullmatch(end)[2]) != len(match[2]):  # type: ignore[index]
            return None
        last[match[1]] = max(end, one.place)
    return last


def _read(book: Path) -> tuple[datetime, list[Entry]] | None:
    """When all was listed, and what is known; None where nothing is, or it cannot be read."""
    try:
        frame = pl.read_parquet(book, schema=_COLUMNS)
    except (OSError, pl.exceptions.PolarsError):
        return None
    if frame.is_empty():
        return None
    full_at: datetime = frame["full_at"][0]
    return full_at, [Entry(*row) for row in frame.select("place", "size", "mtime_ns").iter_rows()]


def _write(book: Path, full_at: datetime, entries: list[Entry]) -> None:
    rows = [(one.place, one.size, one.mtime_ns, full_at) for one in entries]
    written = io.BytesIO()
    pl.DataFrame(rows, schema=_COLUMNS, orient="row").write_parquet(written, compression="lz4", statistics=False)
    book.parent.mkdir(mode=0o700, exist_ok=True)
    write_durably(book, written.getvalue())
