"""What the shop's parts hand to one another, and how moments, money and identities are written."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from operations.sample_shop.world import EXPONENT

SECOND, HOUR = 1_000, 3_600_000  # in milliseconds


class Record(NamedTuple):
    """One line on its way to an archive; `at` is the millisecond of the UTC day it is received on."""

    at: int
    topic: str
    partition: int
    line: str
    fate: str


@dataclass(slots=True)
class Order:
    """Money in minor units of `currency`; revenue is without tax and shipping."""

    order_id: str
    day: date
    at: int
    currency: str
    revenue: int
    tax: int
    shipping: int
    head: str
    tail: str
    allows: bool
    partition: int


def stamp(day: date, at: int) -> str:
    """Milliseconds of a UTC day (they may run over its end) as RFC 3339."""
    days, at = divmod(at, 24 * HOUR)
    seconds, milli = divmod(at, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{day + timedelta(days) if days else day}T{hour:02d}:{minute:02d}:{second:02d}.{milli:03d}Z"


def money(minor: int, currency: str) -> str:
    """Minor units as decimal text, such as 1234 EUR → '12.34'."""
    exponent = EXPONENT[currency]
    return f"{minor // 10**exponent}.{minor % 10**exponent:0{exponent}d}" if exponent else str(minor)


def uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
