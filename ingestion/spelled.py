"""Numbers as people write them: grouped, with a decimal comma, with the sign of a currency."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from ingestion.money import LONGEST, MINOR_UNITS

_SIGNS = {"USD": "$", "GBP": "£", "JPY": "¥", "CNY": "¥"}
_JSON = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SYMBOL = re.compile(r"^(-?)\s*([A-Z]{3}|[€£$¥])\s*|\s*([A-Z]{3}|[€£$¥])$")
_BLANK_GROUP = re.compile(r"(?<=\d)[ \u00a0\u202f\u2009'\u2019](?=\d{3}(?!\d))")
_MOST_DIGITS = 30  # on either side of the point: what has more is no amount, and would be written out in full


class AmbiguousNumberError(ValueError):
    """The text can be read as two numbers."""


@lru_cache(maxsize=100_000)
def read_number(text: str, decimal: str | None) -> Decimal:
    """The number that `text` spells; blanks, apostrophes and the other separator group its digits.

    Args:
        decimal: the decimal separator, or None where the text has to tell.

    Raises:
        AmbiguousNumberError: a comma before three digits, which groups them or parts off decimals.
        ValueError: it is not a number.
    """
    plain = text.strip().replace("\u2212", "-")
    is_negative = plain.startswith("(") and plain.endswith(")")
    plain = plain[1:-1].strip() if is_negative else plain
    if plain.endswith("-"):
        plain, is_negative = plain[:-1].strip(), True
    plain = _BLANK_GROUP.sub("", plain)
    number = _ungrouped(plain, decimal)
    if is_negative and number < 0:
        raise ValueError("two signs")
    return -number if is_negative else number


def _ungrouped(plain: str, decimal: str | None) -> Decimal:
    if decimal != "," and "," not in plain and _JSON.fullmatch(plain):
        return _decimal(plain)
    if decimal is None:
        decimal = _decimal_of(plain)
    group = "." if decimal == "," else ","
    whole, _, fraction = plain.partition(decimal)
    grouped = rf"[+-]?\d{{1,3}}(?:{re.escape(group)}\d{{2,3}})*{re.escape(group)}\d{{3}}"
    if re.fullmatch(grouped, whole, re.ASCII):
        whole = whole.replace(group, "")
    if not re.fullmatch(r"[+-]?\d*", whole, re.ASCII) or not re.fullmatch(r"\d*", fraction, re.ASCII):
        raise ValueError("not a number")
    return _decimal(f"{whole}.{fraction}" if fraction else whole)


def _decimal_of(plain: str) -> str:
    """Which separator parts off the decimals, where the text alone tells."""
    if "," in plain and "." in plain:
        return max(",.", key=plain.rfind)
    if plain.count(",") > 1:
        return "."
    if plain.count(".") > 1:
        return ","
    if re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", plain, re.ASCII):
        raise AmbiguousNumberError("it can be read two ways")
    return "," if "," in plain else "."


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("not a number") from None


def without_symbol(text: str) -> str:
    """The text without a currency's sign or code at one end."""
    found = _SYMBOL.search(text.strip())
    code = found and (found[2] or found[3])
    if not found or not code or (code.isalpha() and code not in MINOR_UNITS):
        return text
    return _SYMBOL.sub(lambda match: match[1] or "", text.strip(), count=1)


def sign_of(text: str) -> str | None:
    """The sign or code of a currency at one end of the text; None where there is none."""
    found = _SYMBOL.search(text.strip()) if len(text) <= LONGEST else None
    sign = found and (found[2] or found[3])
    return sign if sign and (not sign.isalpha() or sign in MINOR_UNITS) else None


def contradicts(sign: str, currency: str) -> bool:
    """Whether an amount with that sign or code cannot be in the currency: many are written with $ or with £."""
    if sign.isalpha():
        return sign != currency
    return (sign == "\u20ac") != (currency == "EUR") or _SIGNS.get(currency, sign) != sign


def plain_amount(text: str, currency: str | None) -> str | None:
    """An amount of that currency as a program would write it: ``1.249,00 €`` is ``1249.00``.

    None of what can be read two ways, is no number, or is written with the sign of another currency.
    """
    if len(text) > LONGEST:
        return None
    sign = sign_of(text)
    if sign and currency in MINOR_UNITS and contradicts(sign, currency):
        return None
    try:
        number = read_number(without_symbol(text), None)
    except ValueError:
        return None
    is_amount = number.adjusted() < _MOST_DIGITS and int(number.as_tuple().exponent) > -_MOST_DIGITS
    return format(number, "f") if is_amount else None
