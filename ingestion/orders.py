"""The money of a commerce track: wherever it can be told, the track is kept (Segment's e-commerce spec and its kin)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import MAX_PREC, Context, Decimal
from typing import Any

from ingestion.decoding import DeadLetter
from ingestion.money import MINOR_UNITS, parse_amount, to_minor
from ingestion.record_fields import Fields, names_nothing
from ingestion.spelled import plain_amount
from settings import COMMERCE_LOOKALIKES, COMMERCE_SPELLINGS

COMMERCE_EVENTS = ("Order Completed", "Order Refunded", "Order Cancelled")

_SPELLED = re.compile(COMMERCE_SPELLINGS, re.ASCII)
_LOOKALIKE = re.compile(COMMERCE_LOOKALIKES, re.ASCII)
_COMPLETED, _REFUNDED, _CANCELLED = COMMERCE_EVENTS
_BY_VERB = {"completed": _COMPLETED, "refunded": _REFUNDED, "cancelled": _CANCELLED, "canceled": _CANCELLED}
# Where `order_id` is absent, the first of these that is there stands for it.
ORDER_IDS = ("order_id", "orderId", "orderID", "transaction_id", "transactionId")
CURRENCIES = ("currency", "currencyCode", "currency_code")
_NOT_SET = "(not set)"  # Google's word
_OPTIONAL = ("tax", "shipping", "total", "revenue")
# What was paid back, with the tax and shipping in it.
PAID_BACK = ("total", "refund_amount", "refundAmount", "amount_refunded", "amount")
_PRODUCTS = "properties.products"
_EXACT = Context(prec=MAX_PREC)
_FINEST = -30  # exponent of what is added up: beyond it an amount is no money, and sums would have as many digits


def is_empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])


def commerce_event(event: Any) -> str | None:
    """Which of the commerce tracks a track of that name is, however it is spelled; None of any other."""
    spelled = _SPELLED.fullmatch(event) if isinstance(event, str) else None
    return _BY_VERB[spelled[1].lower()] if spelled else None


def is_lookalike(event: str) -> bool:
    """Whether a track of that name may be meant as an order or a refund, and is none."""
    return bool(_LOOKALIKE.fullmatch(event)) and not commerce_event(event)


class Money:
    """What a commerce track says of money; `source` is the property that its amount is told by, '' without one.

    `order_id` is the path of the property that has the order's number.
    """

    def __init__(self, fields: Fields, event: str, default_currency: str | None) -> None:
        properties = fields.value("properties")
        self._properties = properties if isinstance(properties, dict) else {}
        self.event = event
        self.order_id = self._first(ORDER_IDS, self._has_number)
        self._currency_path = self._first(CURRENCIES, self._has)
        self.source = self._source()
        self._used = [self.source] if self.source else []
        if event == _COMPLETED and self.source == "total":
            self._used += [name for name in ("tax", "shipping") if self._has(name)]
        self.needs_currency = event == _COMPLETED or bool(self.source)
        currency = self._value(self._currency_path.removeprefix("properties."))
        self._currency = default_currency if is_empty(currency) else currency

    def _first(self, names: tuple[str, ...], is_there: Callable[[str], bool]) -> str:
        """The path of the first of some properties that is there; of the first of them where none is."""
        return f"properties.{next(filter(is_there, names), names[0])}"

    def _has_number(self, name: str) -> bool:
        """Whether it is an order's number: one that says undefined would be that of all orders without any."""
        value = self._properties.get(name)
        return not names_nothing(value) and value != _NOT_SET

    def _value(self, name: str) -> Any:
        value = self._properties.get(name)
        return None if value == "" else value

    def _has(self, name: str) -> bool:
        return not is_empty(self._properties.get(name))

    def _source(self) -> str:
        """In this order: of an order what is without tax and shipping, of a refund first what has them in it."""
        names = {_COMPLETED: ("revenue", "subtotal", "total", "value", "products"),
                 _REFUNDED: ("total", "revenue", "subtotal", "value", *PAID_BACK[1:], "products")}  # fmt: skip
        return next((name for name in names.get(self.event, ()) if self._has(name)), "")

    def missing(self) -> list[str]:
        """The fields without which the order or its money cannot be told."""
        found = [] if self._has_number(self.order_id.removeprefix("properties.")) else [self.order_id]
        found += ["properties.revenue"] if self.event == _COMPLETED and not self.source else []
        if self.source == "products":
            found += [f"{_PRODUCTS}.price" for one in self._products() if is_empty(one.get("price"))][:1]
        return found + ([self._currency_path] if self.needs_currency and is_empty(self._currency) else [])

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
        return found + ([self._currency_path] if self.needs_currency and not isinstance(self._currency, str) else [])

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
        currency = self._code()
        if currency not in MINOR_UNITS:
            if self.needs_currency:
                raise DeadLetter("unknown_currency", field=self._currency_path)
            return {}
        amounts = {name: self._optional(name, note) for name in _OPTIONAL if self._has(name)}
        if told is not None:
            is_total = self.event == _REFUNDED and self.source in PAID_BACK
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
            value = self._value(self.source)
            # Some write what was given back with a minus, as in the ledger.
            return self._parsed(_without_minus(value) if self.event == _REFUNDED else value, path)
        amount = self._amount(self.source)
        for name in self._used[1:]:
            amount = _EXACT.subtract(amount, self._amount(name))
        return _checked(amount, path)

    def _of_products(self) -> Decimal:
        total = Decimal(0)
        for one in self._products():
            quantity = one.get("quantity")
            price = self._addend(one.get("price"), f"{_PRODUCTS}.price")
            pieces = Decimal(1) if is_empty(quantity) else self._addend(quantity, f"{_PRODUCTS}.quantity")
            total = _EXACT.add(total, _EXACT.multiply(price, pieces))
        return _checked(total, _PRODUCTS)

    def _amount(self, name: str) -> Decimal:
        return self._addend(self._value(name), f"properties.{name}")

    def _optional(self, name: str, note: Callable[[str], None]) -> Decimal | None:
        path = f"properties.{name}"
        value = self._value(name)
        try:
            if _is_amount(value):
                return self._parsed(value, path)
        except DeadLetter:
            pass
        note(path)
        return None

    def _code(self) -> str | None:
        return self._currency.strip().upper() if isinstance(self._currency, str) else None

    def _addend(self, value: Any, path: str) -> Decimal:
        amount = self._parsed(value, path)
        if int(amount.as_tuple().exponent) < _FINEST:
            raise DeadLetter("invalid_money", field=path)
        return amount

    def _parsed(self, value: Any, path: str) -> Decimal:
        """As a program writes it; else as people do, where that can be read one way only."""
        text = value if isinstance(value, str) else str(value)
        try:
            return parse_amount(text)
        except ValueError:
            pass
        try:
            return parse_amount(plain_amount(text, self._code()) or "")
        except ValueError:
            raise DeadLetter("invalid_money", field=path) from None


def _without_minus(value: Any) -> Any:
    return value.strip().removeprefix("-") if isinstance(value, str) else abs(value)


def _is_amount(value: Any) -> bool:
    return is_empty(value) or isinstance(value, Decimal | str)


def _checked(amount: Decimal, path: str) -> Decimal:
    """A sum or difference, held to the bounds of any amount."""
    try:
        return parse_amount(format(amount, "f"))
    except ValueError:
        raise DeadLetter("invalid_money", field=path) from None
