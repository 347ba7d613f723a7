"""Columns by name: matched ignoring case, blanks, ``_``, ``-`` and a currency in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ingestion.money import MINOR_UNITS

_IGNORED = re.compile(r"[\s_\-\u00a0\u200b\ufeff]+")
_BRACKET = re.compile(r"\s*[(\[]\s*([A-Za-z]{3}|[€£$¥])\s*[)\]]\s*$")
_BEGINNINGS = ("start", "début", "debut", "inicio", "inizio", "beginn")
# Currencies whose codes are no words, so that one may be the last word of a name.
_COMMON = frozenset({
    "EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "CAD", "AUD", "NZD", "JPY",
    "CNY", "INR", "BRL", "MXN", "ZAR", "SGD", "HKD", "AED",
})  # fmt: skip
_SYMBOLS = {"€": "EUR", "£": "GBP"}  # the others name several currencies


def normalised(name: str) -> str:
    """The name without what is ignored, but with its bracket."""
    return _IGNORED.sub("", name).lower()


def bare(name: str) -> tuple[str, str | None]:
    """The name without a currency in brackets, and that currency; the name as it is where there is none."""
    match = _BRACKET.search(name)
    if not match or (match[1].isalpha() and match[1].upper() not in MINOR_UNITS):
        return normalised(name), None
    code = match[1].upper() if match[1].isalpha() else _SYMBOLS.get(match[1])
    return normalised(name[: match.start()]), code


def in_bracket(name: str) -> str | None:
    """The currency in a column's bracket, where it is written as one: "Cost (all)" is not in Albanian lek."""
    match = _BRACKET.search(name)
    return bare(name)[1] if match and match[1] == match[1].upper() else None


def told_currency(name: str) -> str | None:
    """The code or sign of a currency that a column's name has: USD in Cost (USD) and in spend_usd, $ in Cost ($)."""
    if match := _BRACKET.search(name):
        return in_bracket(name) or (None if match[1].isalpha() else match[1])
    *before, last = re.split(r"[\s_\-]+", name.strip().upper())
    return last if before and last in _COMMON else None


def is_beginning(name: str) -> bool:
    """Whether a column so called may tell where a period begins, of a row or of the whole report."""
    return any(word in normalised(name) for word in _BEGINNINGS)


class Header:
    """The columns of a table, by name and place."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = [str(name).strip() for name in names]
        self._places: dict[str, list[int]] = {}
        self._bare: dict[str, list[int]] = {}
        for place, name in enumerate(self.names):
            if name:
                self._places.setdefault(normalised(name), []).append(place)
                without, _ = bare(name)
                if without != normalised(name):
                    self._bare.setdefault(without, []).append(place)

    def places(self, name: str) -> list[int]:
        """Where columns of that name stand: as it is written, else without the currency in brackets."""
        return self._places.get(normalised(name)) or self._bare.get(normalised(name), [])

    def has(self, names: Iterable[str]) -> bool:
        return all(self.places(name) for name in names)

    def currency(self, place: int, name: str) -> str | None:
        """The currency in the brackets of the column at `place`, unless `name` itself has the bracket."""
        return None if normalised(self.names[place]) == normalised(name) else bare(self.names[place])[1]
