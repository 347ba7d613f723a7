"""The money of a commerce track: wherever it can be told, the track is kept (Segment's e-commerce spec and its kin)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import MAX_PREC, Context, Decimal
from typing import Any

from ingestion.decoding import DeadLetter
from ingestion.money import MINOR_UNITS, parse_amount, to_minor
from ingestion.record_fields import Fields
from settings import COMMERCE_SPELLINGS

COMMERCE_EVENTS = ("Order Completed", "Order Refunded", "Order Cancelled")

_SPELLED = re.compile(COMMERCE_SPELLINGS, re.ASCII)
_COMPLETED, _REFUNDED, _CANCELLED = COMMERCE_EVENTS
_BY_VERB = {"completed": _COMPLETED, "refunded": _REFUNDED, "cancelled": _CANCELLED, "canceled": _CANCELLED}
# Where `order_id` is absent, the first of these that is there stands for it.
_ORDER_IDS = ("order_id", "orderId", "orderID", "transaction_id", "transactionId")
_OPTIONAL = ("tax", "shipping", "total", "revenue")
_PRODUCTS = "properties.products"
_CURRENCY = "properties.currency"
_EXACT = Context(prec=MAX_PREC)
_FINEST = -30  # exponent of what is added up: beyond it an amount is no money, and sums would have as many digits


def is_empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])


def commerce_event(event: Any) -> str | None:
    """Which of the commerce tracks a track of that name is, however it is spelled; None of any other."""
    spelled = _SPELLED.fullmatch(event) if isinstance(event, str) else None
    return _BY_VERB[spelled[1].lower()] if spelled else None


class Money:
    """What a commerce track says of money; `source` is the property that its amount is told by, '' without one.

    `order_id` is the path of the property that has the order's number.
    """

    def __init__(self, fields: Fields, event: str, default_currency: str | None) -> None:
        properties = fields.value("properties")
        self._properties = properties if isinstance(properties, dict) else {}
        self.event = event
        self.order_id = f"properties.{next(filter(self._has, _ORDER_IDS), _ORDER_IDS[0])}"
        self.source = self._source()
        self._used = [self.source] if self.source else []
        if event == _COMPLETED and self.source == "total":
            self._used += [name for name in ("tax", "shipping") if self._has(name)]
        self.needs_currency = event == _COMPLETED or bool(self.source)
        currency = self._value("currency")
        self._currency = default_currency if is_empty(currency) else currency

    def _value(self, name: str) -> Any:
        value = self._properties.get(name)
        return None if value == "" else value

    def _has(self, name: str) -> bool:
        return not is_empty(self._properties.get(name))

    def _source(self) -> str:
        """In this order: of an order what is without tax and shipping, of a refund first what has them in it."""
        names = {_COMPLETED: ("revenue", "subtotal", "total", "value", "products"),
                 _REFUNDED: ("total", "revenue", "subtotal", "value", "products")}  # fmt: skip
        return next((name for name in names.get(self.event, ()) if self._has(name)), "")

    def missing(self) -> list[str]:
        """The fields without which the money cannot be told."""
        found = ["properties.revenue"] if self.event == _COMPLETED and not self.source else []
        if self.source == "products":
            found += [f"{_PRODUCTS}.price" for one in self._products() if is_empty(one.get("price"))][:1]
        return found + ([_CURRENCY] if self.needs_currency and is_empty(self._currency) else [])

    def wrong_types(self) -> list[str]:
        """The fields that the money is told by and that cannot be read as what they have to be."""
        paths = {f"properties.{name}": self._value(name) for name in self._used}
        if self.source == "products":
            listed = paths.pop(_PRODUCTS)
            is_list = isinstance(listed, list) and all(isinstance(one, dict) for one in listed)
            found = [] if is_list else [_PRODUCTS]
            found += [
                f"{_PRODUCTS}.{name}"
                for name in ("price", "quantity")
                if not all(_is_amount(one.get(name)) for one in self._products())
            ]
        else:
            found = [path for path, value in paths.items() if not _is_amount(value)]
        return found + ([_CURRENCY] if self.needs_currency and not isinstance(self._currency, str) else [])

    def _products(self) -> list[dict[str, Any]]:
        listed = self._value("products")
        return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []

    def row(self, note: Callable[[str], None]) -> dict[str, Any]:
        """The amounts in minor units of the track's currency; {} where it has none and needs none.

        `note` is told which property was passed over because it cannot be read and is not needed.

        Raises:
            DeadLetter: invalid_money or unknown_currency.
        """
        told = self._told()
        currency = self._currency.strip().upper() if isinstance(self._currency, str) else None
        if currency not in MINOR_UNITS:
            if self.needs_currency:
                raise DeadLetter("unknown_currency", field=_CURRENCY)
            return {}
        amounts = {name: self._optional(name, note) for name in _OPTIONAL if self._has(name)}
        if told is not None:
            is_total = self.event == _REFUNDED and self.source == "total"
            amounts["total" if is_total else "revenue"] = told
        minor = {f"{name}_minor": to_minor(one, currency) for name, one in amounts.items() if one is not None}
        return {"currency": currency} | minor

    def _told(self) -> Decimal | None:
        if self.source == "products":
            return self._of_products()
        if not self.source:
            return None
        path = f"properties.{self.source}"
        if len(self._used) == 1:
            return _parsed(self._value(self.source), path)
        amount = self._amount(self.source)
        for name in self._used[1:]:
            amount = _EXACT.subtract(amount, self._amount(name))
        return _checked(amount, path)

    def _of_products(self) -> Decimal:
        total = Decimal(0)
        for one in self._products():
            quantity = one.get("quantity")
            price = _addend(one.get("price"), f"{_PRODUCTS}.price")
            pieces = Decimal(1) if is_empty(quantity) else _addend(quantity, f"{_PRODUCTS}.quantity")
            total = _EXACT.add(total, _EXACT.multiply(price, pieces))
        return _checked(total, _PRODUCTS)

    def _amount(self, name: str) -> Decimal:
        return _addend(self._value(name), f"properties.{name}")

    def _optional(self, name: str, note: Callable[[str], None]) -> Decimal | None:
        path = f"properties.{name}"
        value = self._value(name)
        try:
            if _is_amount(value):
                return _parsed(value, path)
        except DeadLetter:
            pass
        note(path)
        return None


def _is_amount(value: Any) -> bool:
    return is_empty(value) or isinstance(value, Decimal | str)


def _parsed(value: Any, path: str) -> Decimal:
    try:
        return parse_amount(value if isinstance(value, str) else str(value))
    except ValueError:
        raise DeadLetter("invalid_money", field=path) from None


def _addend(value: Any, path: str) -> Decimal:
    amount = _parsed(value, path)
    if int(amount.as_tuple().exponent) < _FINEST:
        raise DeadLetter("invalid_money", field=path)
    return amount


def _checked(amount: Decimal, path: str) -> Decimal:
    """A sum or difference, held to the bounds of any amount."""
    return _parsed(format(amount, "f"), path)
