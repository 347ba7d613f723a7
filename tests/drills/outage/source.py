"""What upstream has for the drill of an outage, and how it lands: in time, late, or damaged."""

from __future__ import annotations

import csv
import gzip
import os
import random
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from operations import sample_shop
from tests.end_to_end.conftest import Shop

DAYS = 20
REGIONS = ("eu", "us")
_RECORDS = 20  # in an archive: many small ones, so that a flood is one
_DAY = re.compile(r"year=(\d+)/month=(\d+)/day=(\d+)/")
_ARCHIVE = re.compile(r"(.+\+)(\d{10})(\.json(?:\.gz)?)")


@dataclass(frozen=True)
class Damage:
    """What becomes of archives of the flood; of all but `corrupt` the replica has a whole copy."""

    missing: list[Path]
    cut: list[Path]
    corrupt: list[Path]  # in the replica, too
    doubled: list[Path]  # there once more, not compressed


class Source:
    """The archives, ledger, cost and rates of a shop, of which any number of landing zones can be filled."""

    def __init__(
        self, folder: Path, last: date, rng: random.Random, days: int = DAYS, events: int = 12_000, dirt: float = 0.02
    ) -> None:
        self.folder, self.last, self.rng = folder, last, rng
        sample_shop.write_landing(folder, until=last, days=days, events=events, regions=REGIONS, dirt=dirt)
        for path in sorted(folder.rglob("*+*+*")):
            _split(path)

    def archives(self, region: str, first: date, last: date) -> list[Path]:
        """The archives of days, both included."""
        return [path for path in sorted((self.folder / region).rglob("*+*+*")) if first <= day_of(path) <= last]

    def damage(self, late: list[Path]) -> Damage:
        """Choose archives of a flood that come damaged."""
        packed = self.rng.sample([path for path in late if path.suffix == ".gz"], 20)
        return Damage(packed[:2], packed[2:4], packed[4:7], packed[7:])

    def land(self, shop: Shop, paths: list[Path], at: datetime | None = None, root: str = "landing") -> None:
        """Copy files with the stamp of when they land: on the evening of their day, or all at one moment."""
        for path in paths:
            there = shop.folder / root / path.relative_to(self.folder)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)
            _stamp(there, at or evening(day_of(path)))

    def land_damaged(self, shop: Shop, paths: list[Path], at: datetime, damage: Damage) -> None:
        """Copy files of the flood, damaged as they were chosen to be, and their copies in the replica."""
        whole = [path for path in paths if path not in damage.corrupt]
        self.land(shop, [path for path in whole if path not in damage.missing], at)
        self.land(shop, whole, at, "replica")
        for path in paths:
            name = path.relative_to(self.folder)
            there, copy = shop.folder / "landing" / name, shop.folder / "replica" / name
            if path in damage.cut:
                there.write_bytes(path.read_bytes()[:-20])
            elif path in damage.doubled:
                there = there.with_suffix("")
                there.write_bytes(gzip.decompress(path.read_bytes()))
            elif path in damage.corrupt:
                for one in (there, copy):
                    one.parent.mkdir(parents=True, exist_ok=True)
                    one.write_bytes(path.read_bytes()[:10] + self.rng.randbytes(200))
                    _stamp(one, at)
            if there.exists():
                _stamp(there, at)

    def tables(self, shop: Shop, until: date) -> None:
        """Land ledger, cost and rates as exported that night: with what is known up to that day."""
        for path in sorted(self.folder.rglob("*.csv")):
            with path.open(newline="") as file:
                header, *rows = csv.reader(file)
            dated = header.index("updated_at") if "updated_at" in header else None
            there = shop.landing / path.relative_to(self.folder)
            there.parent.mkdir(parents=True, exist_ok=True)
            kept = rows if "fx" in path.parts else [
                row for row in rows if (row[dated] if dated is not None else _first_date(row))[:10] <= str(until)
            ]  # fmt: skip
            if kept:
                with there.open("w", newline="") as file:
                    csv.writer(file).writerows([header, *kept])
                _stamp(there, evening(until))


def evening(day: date) -> datetime:
    """When the archives of a day land."""
    return datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC)


def day_of(path: Path) -> date:
    found = _DAY.search(str(path))
    assert found, path
    return date(*map(int, found.groups()))


def _split(path: Path) -> None:
    """Make several archives of one, each named by the offset of its first record."""
    found = _ARCHIVE.fullmatch(path.name)
    assert found, path
    name, start, suffix = found.groups()
    data = path.read_bytes()
    data = gzip.decompress(data) if suffix.endswith("gz") else data
    lines = [line + b"\n" for line in data.removesuffix(b"\n").split(b"\n")]
    for n in range(0, len(lines), _RECORDS):
        part = b"".join(lines[n : n + _RECORDS])
        there = path.with_name(f"{name}{int(start) + n:010d}{suffix}")
        there.write_bytes(gzip.compress(part, mtime=0) if suffix.endswith("gz") else part)


def _stamp(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))


def _first_date(row: list[str]) -> str:
    return next((cell for cell in row if len(cell) >= 10 and cell[4:5] == "-" and cell[7:8] == "-"), "")
