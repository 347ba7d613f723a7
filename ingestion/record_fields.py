"""Dotted access to what a record says."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Fields:
    """Dotted access to a record; absent, null and empty are one, and a wrong type is remembered."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record, self.wrong_type = record, ""

    def value(self, path: str) -> Any:
        """The value, or None; what stands where an object belongs counts as a wrong type."""
        here: Any = self.record
        parts = path.split(".")
        for depth, part in enumerate(parts):
            if here is None:
                return None
            if not isinstance(here, dict):
                self.blame(".".join(parts[:depth]))
                return None
            here = here.get(part)
        return None if here == "" else here

    def blame(self, path: str) -> None:
        """Note the first field of a wrong type."""
        self.wrong_type = self.wrong_type or path

    def text(self, path: str) -> str | None:
        value = self.value(path)
        if value is not None and not isinstance(value, str):
            self.blame(path)
            return None
        return value and _LONE_SURROGATE.sub("\ufffd", value)

    def number(self, path: str) -> str | None:
        """Text, or of a whole number its digits as they were written."""
        value = self.value(path)
        return str(value) if _is_whole(value) else self.text(path)

    def label(self, *paths: str) -> str | None:
        """The first of the paths that holds text or a whole number: of no use otherwise, but nothing that is wrong."""
        wrong_type = self.wrong_type
        values = [self.value(path) for path in paths]
        self.wrong_type = wrong_type
        for value in values:
            if _is_whole(value):
                return str(value)
            if isinstance(value, str):
                return _LONE_SURROGATE.sub("\ufffd", value)
        return None


def _is_whole(value: Any) -> bool:
    return isinstance(value, Decimal) and value.as_tuple().exponent == 0
