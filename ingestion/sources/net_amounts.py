"""Money without tax and shipping, where a tool gives it with them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

_ZERO = Decimal(0)


def money(text: str | None) -> Any:
    """A tool's amount; 0 where there is none, None where it cannot be read."""
    try:
        return Decimal((text or "0").strip() or "0")
    except InvalidOperation:
        return None


def goods_of_paid(amount: Decimal, goods: Decimal, paid: Decimal) -> Decimal:
    """The goods' part of an amount that is spread over all that was paid, to a hundred-thousandth."""
    return (amount * goods / paid).quantize(Decimal("0.00001")) if paid else _ZERO


def listed(text: str | None) -> list[dict[str, Any]]:
    """A list of objects in a cell of JSON; empty where there is none."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def total_of(objects: Iterable[dict[str, Any]], *names: str) -> Decimal:
    """The sum of the fields `names` of some objects."""
    return sum((money(str(one.get(name) or "0")) or _ZERO for one in objects for name in names), _ZERO)
