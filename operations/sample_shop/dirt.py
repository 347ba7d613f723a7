"""What goes wrong with records on their way: each kind of dirt, with the fate that it has to meet."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date

from operations.sample_shop import world
from operations.sample_shop.records import HOUR, Record, stamp, uuid

DEAD = "dead_letter:"
_KINDS = {  # share of all dirt
    "duplicate_same_day": 18,
    "duplicate_later_day": 16,
    "late": 24,
    "bot": 14,
    "truncated": 5,
    "invalid_encoding": 2,
    "missing_field": 5,
    "wrong_type": 4,
    "bad_timestamp": 4,
    "future_timestamp": 3,
    "invalid_money": 3,
    "unknown_currency": 2,
}
_OVERSIZED_BYTES = 1_048_576 + 1


class Soiler:
    """Soils a region's days at a rate: copies and broken records are added, late ones are moved to later days."""

    def __init__(self, rng: random.Random, rate: float, last_day: int) -> None:
        self.counts: Counter[str] = Counter()
        self._rng, self._rate, self._last_day = rng, rate, last_day
        self._later: dict[int, list[Record]] = {}
        self._makers: dict[str, Callable[[date, int], tuple[str, str, str]]] = {
            "bot": self._bot,
            "truncated": self._truncated,
            "invalid_encoding": self._invalid_encoding,
            "missing_field": self._missing_field,
            "wrong_type": self._wrong_type,
            "bad_timestamp": self._bad_timestamp,
            "future_timestamp": self._future_timestamp,
            "invalid_money": self._invalid_money,
            "unknown_currency": self._unknown_currency,
        }

    def soil(self, records: list[Record], day: date, index: int) -> list[Record]:
        """The records that arrive on the day: most of those given, those held back for it, and dirt."""
        arriving = self._later.pop(index, [])
        if self._rate <= 0:
            return records
        count = len(records) * self._rate
        chosen = self._rng.sample(range(len(records)), min(int(count + self._rng.random()), len(records)))
        kinds = self._rng.choices(list(_KINDS), list(_KINDS.values()), k=len(chosen))
        moved: set[int] = set()
        for position, kind in zip(chosen, kinds, strict=True):
            arriving += self._one(kind, records[position], day, index)
            if kind == "late" and index < self._last_day:
                moved.add(position)
        if index == 0:
            arriving.append(self._oversized(day))
        return [record for n, record in enumerate(records) if n not in moved] + arriving

    def _one(self, kind: str, record: Record, day: date, index: int) -> list[Record]:
        is_last = index >= self._last_day
        if kind == "late" and is_last:
            return []
        if kind == "duplicate_later_day" and is_last:
            kind = "duplicate_same_day"
        self.counts[kind] += 1
        if maker := self._makers.get(kind):
            at = int(self._rng.random() * 23 * HOUR)
            topic, line, fate = maker(day, at)
            return [Record(at, topic, self._rng.randrange(2), line, fate)]
        if kind == "late":
            self._hold(record, index)
            return []
        fate = "duplicate" if record.fate in ("loaded", "anonymised") else record.fate
        copy = record._replace(fate=fate)
        if kind == "duplicate_same_day":
            return [copy]
        self._hold(copy, index)
        return []

    def _hold(self, record: Record, index: int) -> None:
        due = min(index + self._rng.randint(1, 3), self._last_day)
        self._later.setdefault(due, []).append(record)

    def _page(self, day: date, at: int, user_agent: str = world.USER_AGENTS[0]) -> str:
        rng = self._rng
        moment = stamp(day, at)
        return (
            f'{{"messageId":"{uuid(rng)}","type":"page","anonymousId":"{uuid(rng)}","timestamp":"{moment}",'
            f'"receivedAt":"{moment}","context":{{"page":{{"url":"https://shop.example/c/running?q=a%40b","title":'
            f'"Running"}},"userAgent":"{user_agent}","ip":"192.0.2.99"}},"properties":{{"title":"Running"}}}}'
        )

    def _order(self, day: date, at: int, revenue: str, currency: str) -> str:
        rng = self._rng
        moment = stamp(day, at)
        return (
            f'{{"messageId":"{uuid(rng)}","type":"track","event":"Order Completed","anonymousId":"{uuid(rng)}",'
            f'"timestamp":"{moment}","receivedAt":"{moment}","context":{{"ip":"192.0.2.98"}},"properties":'
            f'{{"order_id":"BAD-{rng.getrandbits(40)}","revenue":{revenue},"currency":"{currency}"}}}}'
        )

    def _bot(self, day: date, at: int) -> tuple[str, str, str]:
        return "web", self._page(day, at, self._rng.choice(world.CRAWLERS)), "bot"

    def _truncated(self, day: date, at: int) -> tuple[str, str, str]:
        line = self._page(day, at)
        return "web", line[: self._rng.randrange(20, len(line) - 1)], f"{DEAD}malformed_json"

    def _invalid_encoding(self, day: date, at: int) -> tuple[str, str, str]:
        # U+DCFF is written as the lone byte FF (surrogateescape)
        return "web", self._page(day, at).replace("Running", "Caf\udcff"), f"{DEAD}invalid_encoding"

    def _missing_field(self, day: date, at: int) -> tuple[str, str, str]:
        field = self._rng.choice(("messageId", "type", "timestamp", "anonymousId"))
        line = re.sub(rf'"{field}":"[^"]*",', "", self._page(day, at), count=1)
        return "web", line, f"{DEAD}missing_field"

    def _wrong_type(self, day: date, at: int) -> tuple[str, str, str]:
        line = self._page(day, at).replace('"type":"page"', '"type":["page"]')
        return "web", self._rng.choice((line, '["no","object"]')), f"{DEAD}invalid_type"

    def _bad_timestamp(self, day: date, at: int) -> tuple[str, str, str]:
        moment = stamp(day, at)
        bad = self._rng.choice((moment.rstrip("Z"), f"{day.year}-02-30T10:00:00Z", "yesterday"))
        line = self._page(day, at).replace(f'"timestamp":"{moment}"', f'"timestamp":"{bad}"')
        return "web", line, f"{DEAD}invalid_timestamp"

    def _future_timestamp(self, day: date, at: int) -> tuple[str, str, str]:
        ahead = f'"timestamp":"{stamp(day, at + 72 * HOUR)}"'
        return "web", self._page(day, at).replace(f'"timestamp":"{stamp(day, at)}"', ahead), f"{DEAD}future_timestamp"

    def _invalid_money(self, day: date, at: int) -> tuple[str, str, str]:
        amount = self._rng.choice(('"12,50"', '"free"', "-5"))
        return "orders", self._order(day, at, amount, "EUR"), f"{DEAD}invalid_money"

    def _unknown_currency(self, day: date, at: int) -> tuple[str, str, str]:
        return "orders", self._order(day, at, "12.50", self._rng.choice(("BTC", "ZZZ"))), f"{DEAD}unknown_currency"

    def _oversized(self, day: date) -> Record:
        self.counts["oversized"] += 1
        line = self._page(day, 0).replace("Running", "x" * _OVERSIZED_BYTES, 1)
        return Record(0, "web", 0, line, f"{DEAD}oversized_record")
