"""Money from text: decimals, never floats, rounded half-even to the currency's minor unit (ISO 4217)."""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import lru_cache

from babel.core import get_global
from iso4217 import Currency

# Withdrawn currencies (HRK, LTL, …) are known as well: accounts of their time are in them. Metals and testing codes
# have no minor unit; they are known, and no rate is ever quoted for them.
MINOR_UNITS: dict[str, int] = {
    code: get_global("currency_fractions").get(code, get_global("currency_fractions")["DEFAULT"])[0]
    for code in get_global("all_currencies")
} | {currency.code: currency.exponent or 0 for currency in Currency}

_LARGEST = 10**14
# As many digits as the text has: rounding to fewer first would round twice.
_EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, rounding=ROUND_HALF_EVEN)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@lru_cache(maxsize=100_000)
def parse_amount(text: str, *, shift: int = 0) -> Decimal:
    """The decimal that `text` spells, exactly, times ten to the power of `shift` (micros: -6).

    JSON's number grammar, with blanks around it and a leading ``+`` or point allowed.

    Raises:
        ValueError: no finite decimal, negative, or beyond 10^14.
    """
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        raise ValueError("no decimal number")
    try:
        amount = Decimal(stripped).scaleb(shift, _EXACT)
    except InvalidOperation as error:
        raise ValueError("no decimal number") from error
    if amount < 0 or amount > _LARGEST:
        raise ValueError("negative, or beyond 10^14")
    return amount


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` in minor units of `currency`, half-even (EUR 0.125 → 12, JPY 1.5 → 2)."""
    scaled = amount.scaleb(MINOR_UNITS[currency], _EXACT)
    return int(scaled.quantize(Decimal(1), context=_EXACT))
