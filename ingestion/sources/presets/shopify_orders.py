"""Shopify, the orders export of the admin."""

from __future__ import annotations

import polars as pl

from ingestion.sources.net_amounts import goods_of_paid, money
from ingestion.sources.presets import Preset

STATUS = {
    "paid": "completed", "partially_paid": "completed", "pending": "completed", "authorized": "completed",
    "partially_refunded": "partially_refunded", "refunded": "refunded", "voided": "refunded", "expired": "cancelled",
}  # fmt: skip


def _orders(rows: pl.DataFrame) -> pl.DataFrame:
    """One row an order: what it has of items stands in lines below it, without the order's amounts."""
    is_order = pl.any_horizontal((pl.col("Total", "Subtotal").str.strip_chars() != "").fill_null(False))
    return rows.filter(is_order).with_columns(
        pl.struct("Subtotal", "Shipping", "Taxes", "Total").map_elements(_net, pl.String).alias("net of tax")
    )


def _net(row: dict[str, str | None]) -> str | None:
    """The goods without tax. `Subtotal` has it where prices include tax, which only the sum of all tells."""
    subtotal, shipping, taxes, total = (money(row[name]) for name in ("Subtotal", "Shipping", "Taxes", "Total"))
    if subtotal is None:
        return row["Subtotal"]
    is_inclusive = abs(total - subtotal - shipping) < abs(total - subtotal - shipping - taxes) if total else False
    return str(subtotal - goods_of_paid(taxes, subtotal, subtotal + shipping) if is_inclusive else subtotal)


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
    uses=("Shipping",),
    needs=("Shipping",),
    notes="Revenue is `Subtotal`, after discounts; where prices include tax, less the goods' part of `Taxes`. Of"
    " `Refunded Amount`, which has tax and shipping in it, the goods' part of the order counts. An order that"
    " is voided is refunded whole, one that has expired is cancelled.",
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
