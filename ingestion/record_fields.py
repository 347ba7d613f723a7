"""Dotted access to what a record says."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

# What a script writes for somebody whom it does not know: one id of all of them would make them one person.
NOBODY = r"(\s?(null|undefined|none|nil|nan|\(null\)|0)\s?|0{8}-0{4}-0{4}-0{4}-0{12})"

_NOBODY = re.compile(NOBODY, re.ASCII | re.IGNORECASE)
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MOST_DIGITS = 64  # of a whole number with an exponent, which would otherwise write out as many as it likes


class Fields:
    """Dotted access to a record; absent, null and empty are one, and a wrong type is remembered."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.wrong: list[str] = []  # fields of a wrong type, in the order in which they were asked for

    def value(self, path: str) -> Any:
        """The value, or None; what stands where an object belongs counts as a wrong type."""
        parents, name = _steps(path)
        here: Any = self.record
        for depth, part in enumerate(parents):
            if not isinstance(here, dict):
                if here is not None:
                    self.blame(".".join(parents[:depth]))
                return None
            here = here.get(part)
        if isinstance(here, dict):
            found = here.get(name)
            return None if found == "" else found
        if here is not None:
            self.blame(".".join(parents))
        return None

    def blame(self, path: str) -> None:
        """Note a field of a wrong type."""
        if path not in self.wrong:
            self.wrong.append(path)

    def text(self, path: str) -> str | None:
        value = self.value(path)
        if isinstance(value, str):
            return _readable(value)
        if value is not None:
            self.blame(path)
        return None

    def number(self, path: str) -> str | None:
        """Text, or of a whole number its digits."""
        value = self.value(path)
        if isinstance(value, str):
            return _readable(value)
        digits = _digits(value)
        return self.text(path) if digits is None else digits

    def person(self, path: str) -> str | None:
        """As :meth:`number`; None of a word for nobody."""
        found = self.number(path)
        return None if found is not None and _NOBODY.fullmatch(found) else found

    def is_nobody(self, path: str) -> bool:
        """Whether the field names no person: absent, empty, or a word for it."""
        return names_nothing(self.value(path))

    def label(self, *paths: str) -> str | None:
        """The first of the paths that holds text or a whole number: of no use otherwise, but nothing that is wrong."""
        wrong = list(self.wrong)
        values = [self.value(path) for path in paths]
        self.wrong = wrong
        for value in values:
            if isinstance(value, str):
                return _readable(value)
            if _is_whole(value):
                return str(value)
        return None


def names_nothing(value: Any) -> bool:
    """Whether an identifier is none: absent, empty, or what a script writes where it has none."""
    text = value if isinstance(value, str) else _digits(value)
    return value is None or value in ("", {}, []) or (text is not None and bool(_NOBODY.fullmatch(text)))


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[tuple[str, ...], str]:
    """The objects on the way to a field, and its name in the last of them."""
    *parents, name = path.split(".")
    return tuple(parents), name


def _readable(text: str) -> str:
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Decimal) and value.as_tuple().exponent == 0


def _digits(value: Any) -> str | None:
    """The digits of a whole number, as they were written or without a ``.0``; None of anything else."""
    if _is_whole(value):
        return str(value)
    if not isinstance(value, Decimal) or abs(value.adjusted()) > _MOST_DIGITS or value != value.to_integral_value():
        return None
    return format(value, "f").partition(".")[0]
