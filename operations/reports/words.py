"""Figures as people read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from operations.reports.period import month_name
from operations.reports.tables import Kind

NOTHING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def money(amount: Decimal | float, currency: str) -> str:
    """With its currency and to the cent, such as ``€1,234.50``; a plain number where the currency is not known."""
    from babel.numbers import format_currency, format_decimal

    exact = Decimal(str(amount)).quantize(Decimal("0.01"))
    if not currency:
        return with_minus(str(format_decimal(exact, "#,##0.00", locale="en")))
    return with_minus(str(format_currency(exact, currency, locale="en", currency_digits=False)))


def change(amount: Decimal, currency: str) -> str:
    """Money with its sign always shown."""
    return f"+{money(amount, currency)}" if amount > 0 else money(amount, currency)


def share(value: float | None, digits: int = 0) -> str:
    return NOTHING if value is None else with_minus(f"{value:.{digits}%}")


def shown(value: Any, kind: Kind) -> str:
    """A cell of a table, by its column's kind; nothing at all is a dash."""
    if value is None:
        return NOTHING
    return _SHOWN[kind](value)


def with_minus(text: str) -> str:
    return text.replace("-", _MINUS)


def _number(value: Any, digits: int) -> str:
    return with_minus(f"{value:,.{digits}f}")


def _date(value: date) -> str:
    return f"{value:%Y-%m-%d}"


_SHOWN: dict[Kind, Callable[[Any], str]] = {
    "text": str,
    "money": partial(_number, digits=2),
    "count": partial(_number, digits=0),
    "orders": partial(_number, digits=1),
    "share": partial(share, digits=1),
    "times": partial(_number, digits=2),
    "rate": partial(_number, digits=6),
    "date": _date,
    "month": month_name,
    "flag": lambda value: "yes" if value else "no",
}
