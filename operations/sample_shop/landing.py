"""Writes the sample shop's landing zone: event archives, advertising cost, the ERP's ledger, exchange rates."""

from __future__ import annotations

import gzip
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import accumulate, pairwise
from operator import itemgetter
from pathlib import Path

from operations.sample_shop.back_office import Ledger, write_rates, write_spend
from operations.sample_shop.dirt import Soiler
from operations.sample_shop.journeys import Shop
from operations.sample_shop.plots import Plot
from operations.sample_shop.records import Record
from operations.sample_shop.world import MARKETS
from settings import UnknownValueError

_ARCHIVE_RECORDS = 5_000
_RATES_BEFORE = timedelta(40)  # an order's rate may be one of some days before it


@dataclass(frozen=True)
class RegionSummary:
    """What one region's landing zone holds, and what is true of it.

    Attributes:
        records: lines in event archives, dirt included.
        archives: event archives.
        dirt: records by kind of dirt.
        fates: records by the fate that the contract gives them; dead letters as ``dead_letter:<reason>``.
        orders: orders that are not cancelled, of events and ledger together.
        event_orders: orders with an Order Completed event, cancelled ones included.
        ledger_orders: orders in the ledger, cancelled ones included.
        event_only_orders, phone_orders: those that only events or only the ledger know.
        cancelled_orders, refunded_orders: what became of some; refunded in whole or in part.
        revenue_minor, refunds_minor: of `orders`, by currency in minor units, without tax and shipping.
        spend_minor: advertising cost in minor units of the region's first currency.
    """

    records: int
    archives: int
    dirt: dict[str, int]
    fates: dict[str, int]
    orders: int
    event_orders: int
    ledger_orders: int
    event_only_orders: int
    phone_orders: int
    cancelled_orders: int
    refunded_orders: int
    revenue_minor: dict[str, int]
    refunds_minor: dict[str, int]
    spend_minor: int


@dataclass(frozen=True)
class SampleSummary:
    """What was written, in all and by region."""

    records: int
    archives: int
    regions: dict[str, RegionSummary]


def write_landing(
    root: Path,
    *,
    until: date,
    days: int = 60,
    events: int = 200_000,
    regions: tuple[str, ...] = ("eu", "us", "jp"),
    seed: int = 7,
    dirt: float = 0.01,
    plot: Plot | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> SampleSummary:
    """Fill `root` with the landing zone of a shop; the same arguments give the same bytes.

    Args:
        root: made where it does not exist; files in it of an earlier call with other arguments stay.
        until: the last UTC day with events; `days` days end with it.
        events: records of visits and orders, over all regions; dirt comes on top.
        dirt: share of records that meet some mishap; 0 gives none.
        plot: what happens in the shop; nothing by default.
        progress: called after each day of a region with the records written so far.

    Raises:
        UnknownValueError: a region the sample shop does not sell in.
    """
    _check_regions(regions)
    calendar = [until - timedelta(days - 1 - n) for n in range(days)]
    plot = plot or Plot()
    shares = _parts(events, [plot.region_share(region) for region in regions])
    summaries: dict[str, RegionSummary] = {}
    written = 0
    for region, share in zip(regions, shares, strict=True):
        rng = random.Random(f"{seed}:{region}")
        opened = [day for day in calendar if day >= plot.opens_on(region)]
        tell = partial(_tell, progress, written)
        summaries[region] = _write_region(root / region, Shop(region, rng, plot), opened, share, dirt, rng, tell)
        written += summaries[region].records
    write_rates(root / "fx" / "eurofxref-hist.csv", calendar[0] - _RATES_BEFORE, until, random.Random(f"{seed}:fx"))
    return SampleSummary(written, sum(summary.archives for summary in summaries.values()), summaries)


def _tell(progress: Callable[[int], None], before: int, count: int) -> None:
    progress(before + count)


def _check_regions(regions: tuple[str, ...]) -> None:
    for region in regions:
        if region not in MARKETS:
            raise UnknownValueError("region of the sample shop", region, list(MARKETS))


def _parts(whole: int, shares: list[int]) -> list[int]:
    """A whole number split by shares, so that the parts add up to it."""
    ends = [0, *accumulate(shares)]
    return [whole * end // ends[-1] - whole * start // ends[-1] for start, end in pairwise(ends)]


def _write_region(
    root: Path,
    shop: Shop,
    calendar: list[date],
    events: int,
    dirt: float,
    rng: random.Random,
    report: Callable[[int], None],
) -> RegionSummary:
    ledger, soiler = Ledger(shop, rng), Soiler(rng, dirt, len(calendar) - 1)
    archives = _Archives(root / "events" / "topics")
    counts = _parts(events, [shop.plot.day_share(day) for day in calendar])
    for n, (day, count) in enumerate(zip(calendar, counts, strict=True)):
        records = ledger.due(day, count)
        records += shop.day(day, count - len(records))
        ledger.book(shop.new_orders)
        archives.write(day, soiler.soil(records, day, n), is_plain=n % 5 == 3)
        report(archives.records)
    ledger.write(root / "ledger")
    return RegionSummary(
        records=archives.records,
        archives=archives.count,
        dirt=dict(soiler.counts),
        fates=dict(archives.fates),
        revenue_minor=dict(ledger.revenue),
        refunds_minor=dict(ledger.refunds),
        spend_minor=write_spend(root / "spend", shop, calendar, rng),
        **{kind: ledger.counts[kind] for kind in _ORDER_COUNTS},
    )


_ORDER_COUNTS = (
    "orders",
    "event_orders",
    "ledger_orders",
    "event_only_orders",
    "phone_orders",
    "cancelled_orders",
    "refunded_orders",
)


class _Archives:
    """Writes a region's archives as a Kafka Connect sink with a daily partitioner leaves them."""

    def __init__(self, topics: Path) -> None:
        self.records = self.count = 0
        self.fates: Counter[str] = Counter()
        self._topics = topics
        self._offsets: Counter[tuple[str, int]] = Counter()

    def write(self, day: date, records: list[Record], *, is_plain: bool) -> None:
        """The day's records by time of arrival, offsets going on where the day before ended."""
        self.fates.update(record.fate for record in records)
        lines: dict[tuple[str, int], list[str]] = defaultdict(list)
        for _, topic, partition, line, _ in sorted(records, key=itemgetter(0)):
            lines[topic, partition].append(line)
        for (topic, partition), found in sorted(lines.items()):
            folder = self._topics / topic / f"partition={partition}" / f"year={day:%Y}/month={day:%m}/day={day:%d}"
            folder.mkdir(parents=True, exist_ok=True)
            for start in range(0, len(found), _ARCHIVE_RECORDS):
                self._write_one(folder, topic, partition, found[start : start + _ARCHIVE_RECORDS], is_plain)

    def _write_one(self, folder: Path, topic: str, partition: int, lines: list[str], is_plain: bool) -> None:
        name = f"{topic}+{partition}+{self._offsets[topic, partition]:010d}.json"
        data = ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
        if is_plain:
            (folder / name).write_bytes(data)
        else:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data, compresslevel=1, mtime=0))
        self._offsets[topic, partition] += len(lines)
        self.records += len(lines)
        self.count += 1
