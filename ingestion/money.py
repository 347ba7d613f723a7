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

# The bounds of money, for events, ledger, cost and rates alike, chosen so that whatever is computed later fits:
# - An amount has at most 10^12 whole units, so at most 10^16 minor ones (no currency has more than 4 decimals): BIGINT
#   (9.2 x 10^18) holds an order's revenue, tax and shipping together, and whatever 900 rows add up to.
# - A rate is between 10^-5 and 10^8 units per euro, x 10^8 at most 10^16. Converting multiplies an amount by at most
#   10^18 (a rate and cents), 10^34, and compares it with a worth times a divisor, 10^14 x 10^20: HUGEINT holds 10^38.
# - What is worth more than 10^12 of the reporting currency, 10^14 cents, has no worth that can be used: as if it had no
#   rate. Below that a double tells a quotient to 1 (2^52 = 4.5 x 10^15); times a weight (10^12) it is 10^26; the total
#   of a row, DECIMAL(18, 2) and below 10^16, holds 10,000 of the largest.
# - An order that events alone know is set aside above 10^10 (quality.plausible), so of those it holds a million.
LARGEST = 10**12
LARGEST_WORTH_CENTS = 10**14
RATES_E8 = (10**3, 10**16)
LONGEST = 1_000  # characters: longer, no number is written in earnest
# As many digits as the text has: rounding to fewer first would round twice.
_EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, rounding=ROUND_HALF_EVEN)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def parse_amount(text: str, *, shift: int = 0) -> Decimal:
    """The decimal that `text` spells, exactly, times ten to the power of `shift` (micros: -6).

    JSON's number grammar, with blanks around it and a leading ``+`` or point allowed.

    Raises:
        ValueError: no finite decimal, negative, or above :data:`LARGEST`.
    """
    if len(text) > LONGEST:
        raise ValueError("no decimal number")
    return _parsed(text, shift)


@lru_cache(maxsize=100_000)
def _parsed(text: str, shift: int) -> Decimal:
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        raise ValueError("no decimal number")
    try:
        amount = Decimal(stripped).scaleb(shift, _EXACT)
    except InvalidOperation as error:
        raise ValueError("no decimal number") from error
    if amount < 0 or amount > LARGEST:
        raise ValueError("negative, or above the largest amount")
    return amount


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` in minor units of `currency`, half-even (EUR 0.125 → 12, JPY 1.5 → 2)."""
    scaled = amount.scaleb(MINOR_UNITS[currency], _EXACT)
    return int(scaled.quantize(Decimal(1), context=_EXACT))
