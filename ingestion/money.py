"""Money from text: decimals, never floats, rounded half-even to the currency's minor unit (ISO 4217)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import lru_cache

from iso4217 import Currency

# Metals and testing codes have no minor unit; they are known, and no rate is ever quoted for them.
MINOR_UNITS: dict[str, int] = {currency.code: currency.exponent or 0 for currency in Currency}

_LARGEST = 10**14
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


@lru_cache(maxsize=100_000)
def parse_amount(text: str) -> Decimal:
    """The decimal that `text` spells (JSON's number grammar, surrounding blanks and a leading ``+`` allowed).

    Raises:
        ValueError: no finite decimal, negative, or beyond 10^14.
    """
    stripped = text.strip().removeprefix("+")
    if not stripped or not all(character in "0123456789.eE+-" for character in stripped):
        raise ValueError("no decimal number")
    try:
        amount = Decimal(stripped)
    except InvalidOperation as error:
        raise ValueError("no decimal number") from error
    if amount < 0 or amount > _LARGEST:
        raise ValueError("negative, or beyond 10^14")
    return amount


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` in minor units of `currency`, half-even (EUR 0.125 → 12, JPY 1.5 → 2)."""
    scaled = amount.scaleb(MINOR_UNITS[currency], _EXACT)
    return int(scaled.quantize(Decimal(1), context=_EXACT))
