"""Shopify, the orders export of the admin."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from decimal import Decimal

import polars as pl

from ingestion.sources.net_amounts import goods_of_paid, money
from ingestion.sources.presets import Preset

STATUS = {
    "paid": "completed", "partially_paid": "completed", "pending": "completed", "authorized": "completed",
    "partially_refunded": "partially_refunded", "refunded": "refunded", "voided": "refunded", "expired": "cancelled",
}  # fmt: skip

_AMOUNTS = ("Subtotal", "Shipping", "Duties", "Taxes", "Total")
_TAXES = ("Tax 1 Name", "Tax 2 Name")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*%", re.ASCII)
_CENT = Decimal("0.01")


def _orders(rows: pl.DataFrame) -> pl.DataFrame:
    """One row an order: what it has of items stands in lines below it, without the order's amounts."""
    is_order = pl.any_horizontal((pl.col("Total", "Subtotal").str.strip_chars() != "").fill_null(False))
    orders = rows.filter(is_order)
    cells = orders.select(_AMOUNTS).rows()
    of_each = [tuple(map(money, row)) for row in cells]
    told = {_over(amounts) == 0 for amounts in of_each if None not in amounts and _tells(amounts)}
    rates = [_rate(*names) for names in orders.select(_TAXES).rows()]
    net = [
        row[amounts.index(None)] if None in amounts else str(_net(amounts, told, rate))  # what is unreadable is refused
        for row, amounts, rate in zip(cells, of_each, rates, strict=True)
    ]
    return orders.with_columns(pl.Series("net of tax", net, pl.String))


def _over(amounts: Sequence[Decimal]) -> Decimal:
    """What was paid above the goods, their shipping and duties: nothing where prices include tax."""
    subtotal, shipping, duties, _, total = amounts
    return total - subtotal - shipping - duties


def _tells(amounts: Sequence[Decimal]) -> bool:
    """Whether an order tells if prices include tax. None without tax does, nor one with a tip, which no column has."""
    taxes = amounts[3]
    return taxes != 0 and _over(amounts) in (0, taxes)


def _rate(name: str | None, another: str | None) -> Decimal | None:
    """The rate of the one tax of an order, as its name has it: VAT 19%."""
    found = _RATE.search(name or "")
    rate = Decimal(found[1]) / 100 if found and not (another or "").strip() else None
    return rate or None


def _net(amounts: Sequence[Decimal], told: Set[bool], rate: Decimal | None) -> Decimal:
    """The goods without tax.

    Args:
        told: whether prices include tax, as the orders of the file tell that do: one that does not goes by them.
    """
    subtotal, shipping, _, taxes, total = amounts
    if not total or not taxes:
        return subtotal
    is_inclusive = _over(amounts) == 0 if _tells(amounts) else _by_rate(amounts, rate)
    if is_inclusive is None:
        # Less than the tax is a tip, unless shipping was given away, which leaves nothing or the tax without it.
        is_inclusive = min(told) if len(told) == 1 else _over(amounts) < taxes
    return subtotal - goods_of_paid(taxes, subtotal, subtotal + shipping) if is_inclusive else subtotal


def _by_rate(amounts: Sequence[Decimal], rate: Decimal | None) -> bool | None:
    """Whether prices include tax, where they and the tax at its rate tell; None where they do not."""
    subtotal, shipping, _, taxes, _ = amounts
    if not rate:
        return None
    net, rounded = taxes / rate, _CENT / rate
    for paid in (subtotal + shipping, subtotal):  # shipping may be without tax
        if (is_inclusive := abs(net + taxes - paid) <= rounded) != (abs(net - paid) <= rounded):
            return is_inclusive
    return None


PRESET = Preset(
    name="shopify_orders",
    kind="ledger",
    tool="Shopify (orders export)",
    export="Orders → Export → Plain CSV file. Export all orders of the period anew after refunds: the newest file"
    " stands.",
    documented_at="https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders",
    signature=("Name", "Financial Status", "Subtotal", "Taxes", "Total", "Lineitem name"),
    columns={
        "order_id": "Name",
        "ordered_at": "Created at",
        "status": "Financial Status",
        "revenue": "net of tax",
        "total": "Total",
        "refunded_total": "Refunded Amount",
        "currency": "Currency",
    },
    optional=("updated_at",),
    decimal=".",
    status=STATUS,
    prepare=_orders,
    uses=("Shipping", "Duties", *_TAXES),
    needs=("Shipping",),
    notes="Revenue is `Subtotal`, after discounts; where prices include tax, less the goods' part of `Taxes`. Whether"
    " they do is what an order's amounts tell, and of one with a tip its tax's rate (`Tax 1 Name`), else the other"
    " orders of the file. Of `Refunded Amount`, which has tax and shipping in it, the goods' part of the order counts."
    " An order that is voided is refunded whole, one that has expired is cancelled.",
    sample="Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,Discount"
    " Code,"
    "Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Cancelled at,"
    "Refunded Amount,Id\n"
    "#1001,,paid,2026-03-01 10:00:00 +0100,fulfilled,EUR,100.00,5.00,19.95,124.95,,0.00,Standard,"
    "2026-03-01 10:00:00 +0100,1,Shirt,60.00,,0.00,5001\n"
    "#1001,,,,,,,,,,,,,2026-03-01 10:00:00 +0100,1,Cap,40.00,,,\n"
    "#1002,,partially_refunded,2026-03-01 11:00:00 +0100,fulfilled,EUR,119.00,0.00,19.00,119.00,,0.00,Standard,"
    "2026-03-01 11:00:00 +0100,1,Coat,119.00,,59.50,5002\n"
    "#1003,,voided,,,EUR,10.00,0.00,0.00,10.00,,0.00,Standard,2026-03-01 12:00:00 +0100,1,Sock,10.00,"
    "2026-03-02 12:00:00 +0100,0.00,5003\n",
    gives=(
        ("1001", "2026-03-01 09:00:00", "completed", "100.00", "0.00", None, "EUR", "2026-03-01 09:00:00"),
        ("1002", "2026-03-01 10:00:00", "partially_refunded", "100.00", "50.00", None, "EUR", "2026-03-01 10:00:00"),
        ("1003", "2026-03-01 11:00:00", "refunded", "10.00", "10.00", None, "EUR", "2026-03-01 11:00:00"),
    ),
)
