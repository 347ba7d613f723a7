"""What the shop's back office knows: the ERP's ledger, refunds and cancellations, advertising cost, rates."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from operations.sample_shop import world
from operations.sample_shop.journeys import Shop
from operations.sample_shop.records import HOUR, Order, Record, money

LEDGER_COLUMNS = ("order_id", "ordered_at", "status", "revenue", "refunded", "cogs", "currency", "updated_at")
_GOOGLE_COLUMNS = (
    "segments.date",
    "customer.currency_code",
    "campaign.id",
    "campaign.name",
    "metrics.impressions",
    "metrics.clicks",
    "metrics.cost_micros",
)
_META_COLUMNS = (
    "date_start",
    "date_stop",
    "account_currency",
    "campaign_id",
    "campaign_name",
    "impressions",
    "clicks",
    "spend",
)
_OWN_COLUMNS = ("date", "campaign_id", "campaign_name", "impressions", "clicks", "spend", "currency", "channel")
_COLUMNS = {"google_ads": _GOOGLE_COLUMNS, "meta_ads": _META_COLUMNS, "newsletter": _OWN_COLUMNS}
_YEN_A_CENT = 1.6


class Ledger:
    """Keeps a region's orders: rows for the ERP's file, and what becomes of orders later.

    Sums are in minor units by currency, over orders that are not cancelled, those only events know included.
    """

    def __init__(self, shop: Shop, rng: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.revenue: Counter[str] = Counter()
        self.refunds: Counter[str] = Counter()
        self._shop, self._rng = shop, rng
        self._zone = ZoneInfo(shop.market.timezone)
        self._rows: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        self._cogs: dict[str, str] = {}
        self._due: dict[date, list[tuple[str, Order]]] = defaultdict(list)

    def book(self, orders: list[Order]) -> None:
        """Take the day's orders: a few stay unknown to the ledger, and now and then someone orders by phone."""
        for order in orders:
            self.counts["event_orders"] += 1
            if self._rng.random() < 0.003:
                self.counts["event_only_orders"] += 1
                self._count(order)
                continue
            self._open(order)
            self._plan(order)
            if self._rng.random() < 0.01:
                self.counts["phone_orders"] += 1
                number = self.counts["phone_orders"]
                self._open(replace(order, order_id=f"{self._shop.region.upper()}-TEL-{number}"))

    def due(self, day: date, limit: int) -> list[Record]:
        """The records of refunds and cancellations of the day, at most `limit`: the rest waits a day."""
        happening = self._due.pop(day, [])
        if happening[limit:]:
            self._due[day + timedelta(1)] += happening[limit:]
        return [self._happen(kind, order, day) for kind, order in happening[:limit]]

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for month, rows in sorted(self._rows.items()):
            _write_csv(folder / f"orders-{month}.csv", LEDGER_COLUMNS, rows)

    def _count(self, order: Order) -> None:
        self.counts["orders"] += 1
        self.revenue[order.currency] += order.revenue

    def _open(self, order: Order) -> None:
        self.counts["ledger_orders"] += 1
        self._count(order)
        share = self._rng.uniform(0.4, 0.6)
        is_known = self._rng.random() >= 0.06
        self._cogs[order.order_id] = money(int(order.revenue * share), order.currency) if is_known else ""
        self._row(order, "completed", 0, order.day, order.at + HOUR // 12)

    def _plan(self, order: Order) -> None:
        fate = self._rng.random() / self._shop.plot.regret(order.day)
        for kind, share, earliest, latest in (("cancel", 0.02, 1, 2), ("refund", 0.05, 2, 14), ("part", 0.03, 2, 14)):
            if fate < share:
                self._due[order.day + timedelta(self._rng.randint(earliest, latest))].append((kind, order))
                return
            fate -= share

    def _happen(self, kind: str, order: Order, day: date) -> Record:
        at = int(self._rng.uniform(8, 16) * HOUR)
        if kind == "cancel":
            self.counts["orders"] -= 1
            self.counts["cancelled_orders"] += 1
            self.revenue[order.currency] -= order.revenue
            self._row(order, "cancelled", 0, day, at)
            return self._shop.order_event("Order Cancelled", order, day, at, "")
        is_whole = kind == "refund"
        refunded = order.revenue if is_whole else order.revenue // 2
        total = order.revenue + order.tax + order.shipping if is_whole else refunded + order.tax // 2
        self.counts["refunded_orders"] += 1
        self.refunds[order.currency] += refunded
        self._row(order, "refunded" if is_whole else "partially_refunded", refunded, day, at)
        properties = f',"total":{money(total, order.currency)},"currency":"{order.currency}"'
        return self._shop.order_event("Order Refunded", order, day, at, properties)

    def _row(self, order: Order, status: str, refunded: int, day: date, at: int) -> None:
        updated = self._local(day, at)
        self._rows[updated[:7]].append(
            (
                order.order_id,
                self._local(order.day, order.at),
                status,
                money(order.revenue, order.currency),
                money(refunded, order.currency),
                self._cogs[order.order_id],
                order.currency,
                updated,
            )
        )

    def _local(self, day: date, at: int) -> str:
        moment = datetime.combine(day, time(), UTC) + timedelta(milliseconds=at)
        return moment.astimezone(self._zone).isoformat(timespec="seconds")


def write_spend(folder: Path, shop: Shop, days: list[date], rng: random.Random) -> int:
    """One file a platform and month, each in the platform's own columns; another one restates its first row.

    Returns:
        The region's cost in minor units of its currency, each (campaign, day) by its last delivery.
    """
    currency = shop.market.currencies[0][0]
    scale = 1.0 if world.EXPONENT[currency] else _YEN_A_CENT
    spent = 0
    for platform in _COLUMNS:
        campaigns = [campaign for campaign in shop.plot.campaigns if campaign.platform == platform]
        months: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        restated: dict[str, tuple[str, ...]] = {}
        for day in days:
            for campaign in campaigns:
                if not shop.plot.weight(campaign, day):
                    continue
                clicks = shop.clicks[day, campaign.id] + rng.randint(0, 2)
                cost = int(clicks * shop.plot.click_cost(campaign, day) * scale * rng.uniform(0.8, 1.2))
                shown = clicks * rng.randint(20, 60)
                rows = months[f"{day:%Y-%m}"]
                row = (platform, day, currency, campaign.id, campaign.name, shown, clicks)
                if not rows:
                    restated[f"{day:%Y-%m}"] = _spend_row(*row, cost + 7)
                    spent += 7
                rows.append(_spend_row(*row, cost))
                spent += cost
        (folder / platform).mkdir(parents=True, exist_ok=True)
        for month, rows in months.items():
            _write_csv(folder / platform / f"{platform}-{month}.csv", _COLUMNS[platform], rows)
            _write_csv(folder / platform / f"{platform}-{month}_restated.csv", _COLUMNS[platform], [restated[month]])
    return spent


def _spend_row(
    platform: str, day: date, currency: str, campaign_id: str, name: str, shown: int, clicks: int, cost: int
) -> tuple[str, ...]:
    seen = (str(shown), str(clicks))
    if platform == "google_ads":
        micros = str(cost * 10 ** (6 - world.EXPONENT[currency]))
        return (str(day), currency, campaign_id, name, *seen, micros)
    if platform == "meta_ads":
        return (str(day), str(day), currency, campaign_id, name, *seen, money(cost, currency))
    return (str(day), campaign_id, name, *seen, money(cost, currency), currency, "Email")


def write_rates(path: Path, first: date, until: date, rng: random.Random) -> None:
    """The ECB's file: business days, newest first, 'N/A' where a currency has no rate, a comma at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rates = {currency: rate for currency, (rate, _) in world.FX.items()}
    lines = []
    for day in (first + timedelta(n) for n in range((until - first).days + 1)):
        if day.weekday() >= 5:
            continue
        rates = {c: None if rate is None else rate * rng.uniform(0.995, 1.005) for c, rate in rates.items()}
        texts = ["N/A" if rate is None else f"{rate:.{world.FX[c][1]}f}" for c, rate in rates.items()]
        lines.append(f"{day},{','.join(texts)},\n")
    path.write_text(f"Date,{','.join(world.FX)},\n" + "".join(reversed(lines)))


def _write_csv(path: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
