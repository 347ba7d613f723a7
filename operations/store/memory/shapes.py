"""The shapes of what is remembered of a region and of the warehouse."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)  # keys of later versions are passed over


class Archive(_Kept):
    """A loaded file of the landing zone; `content` is the beginning of its SHA-256."""

    kind: str
    name: str
    content: str
    records: int


class Book(_Kept):
    """What a book of lines began with when it was last seen: it only ever grows."""

    bytes: int
    lines: int
    sha256: str


class Worth(_Kept):
    """What finance read of the region when it was last published; `revenue` in the reporting currency."""

    version: int
    first_day: date | None
    last_day: date | None
    days: int
    orders: int
    revenue: Decimal

    def __str__(self) -> str:
        return f"{self.days:,} days up to {self.last_day}, {self.orders:,} orders, {self.revenue:,.2f}"


class Loss(_Kept):
    """What was given up for good, by whom and when (UTC), and what it may have been worth."""

    accepted_at: datetime
    accepted_by: str
    what: str
    archives: int
    records: int
    orders: int
    revenue: Decimal


class File(_Kept):
    """A published file: its stamp, and its content for when the stamp is another."""

    bytes: int
    mtime_ns: int
    sha256: str


class Memory(_Kept):
    """`sequence` counts how often it was written; the higher one is the later."""

    sequence: int = 0
    books: dict[str, Book] = {}  # by their path in the warehouse
    losses: tuple[Loss, ...] = ()


class RegionMemory(Memory):
    """What a region must have. `digest` is that of the books of archives up to the id `tip`."""

    identity: str = ""  # stands in the region's file, for as long as it lives; empty while a new one may come
    tip: int = -1
    digest: str = ""
    archives: tuple[Archive, ...] = ()
    expired: int = 0  # records
    keys: dict[str, str] = {}  # fingerprints, by purpose
    rules: str | None = None
    worth: Worth | None = None
    is_closed: bool = False  # taken out of the configuration on purpose
    accepts_copies: bool = False  # archives that another region has counted too

    @property
    def records(self) -> int:
        return sum(one.records for one in self.archives)


class WarehouseMemory(Memory):
    """What all regions share: the version that readers see, and its files by their path in its folder."""

    published: int | None = None
    highest: int = 0  # the highest number that a version ever had
    pinned: int | None = None
    files: dict[str, File] = {}
    closes: dict[str, str] = {}  # the SHA-256 of each close's manifest, by month and number
