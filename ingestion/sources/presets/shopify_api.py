"""Shopify, orders of the Admin API (REST) as JSON."""

from __future__ import annotations

import polars as pl

from ingestion.sources.net_amounts import listed, money, total_of
from ingestion.sources.presets import Preset
from ingestion.sources.presets.shopify_orders import STATUS


def _orders(rows: pl.DataFrame) -> pl.DataFrame:
    places = pl.struct("subtotal_price", "taxes_included", "total_tax", "shipping_lines", "refunds")
    return rows.with_columns(
        places.map_elements(_net, pl.String).alias("net of tax"),
        places.map_elements(_refunded, pl.String).alias("refunded goods"),
        pl.when(pl.col("test").str.to_lowercase() == "true")
        .then(pl.lit("cancelled"))
        .otherwise("financial_status")
        .alias("financial_status"),
    )


def _is_inclusive(row: dict[str, str | None]) -> bool:
    return (row["taxes_included"] or "").lower() == "true"


def _net(row: dict[str, str | None]) -> str | None:
    subtotal, taxes = money(row["subtotal_price"]), money(row["total_tax"])
    if not _is_inclusive(row) or subtotal is None or taxes is None:
        return row["subtotal_price"]
    if row["shipping_lines"] is None:
        return None  # how much of the tax is the shipping's nobody knows
    of_shipping = total_of(
        [tax for line in listed(row["shipping_lines"]) for tax in line.get("tax_lines") or []], "price"
    )
    return str(subtotal - taxes + of_shipping)


def _refunded(row: dict[str, str | None]) -> str | None:
    refunds = listed(row["refunds"])
    if not refunds:
        return None
    lines = [line for refund in refunds for line in refund.get("refund_line_items") or []]
    # What was given back beyond the items, negative and without tax; what was of shipping is no goods'.
    more = [one for refund in refunds for one in refund.get("order_adjustments") or []
            if one.get("kind") == "refund_discrepancy"]  # fmt: skip
    of_items = total_of(lines, "subtotal") - (total_of(lines, "total_tax") if _is_inclusive(row) else 0)
    return str(max(of_items - total_of(more, "amount"), 0))


PRESET = Preset(
    name="shopify_api",
    kind="ledger",
    tool="Shopify (Admin API)",
    export="GET /admin/api/…/orders.json?status=any, as it answers, or one order a line.",
    documented_at="https://shopify.dev/docs/api/admin-rest/latest/resources/order",
    signature=("name", "financial_status", "subtotal_price", "total_price"),
    columns={
        "order_id": "name",
        "ordered_at": "created_at",
        "status": "financial_status",
        "revenue": "net of tax",
        "refunded": "refunded goods",
        "currency": "currency",
        "updated_at": "updated_at",
    },
    decimal=".",
    status=STATUS,
    prepare=_orders,
    uses=("taxes_included", "shipping_lines", "refunds", "total_tax", "test"),
    needs=("taxes_included", "total_tax"),
    notes="Revenue is `subtotal_price`, after discounts; where `taxes_included`, less the tax that is not"
    " shipping's. Refunds are the `subtotal` of the items given back, likewise, and what was"
    " given back beyond them (`refund_discrepancy`). An order that is a `test` is cancelled.",
    sample='{"orders": [{"id": 5001, "name": "#1001", "created_at": "2026-03-01T10:00:00+01:00", "updated_at":'
    ' "2026-03-02T10:00:00+01:00", "financial_status": "partially_refunded", "currency": "EUR", "taxes_included": true,'
    ' "subtotal_price": "119.00", "total_tax": "19.95", "total_price": "124.95", "shipping_lines": [{"price": "5.95",'
    ' "tax_lines": [{"price": "0.95"}]}], "refunds": [{"refund_line_items": [{"subtotal": "59.50", "total_tax":'
    ' "9.50"}], "order_adjustments": [{"kind": "refund_discrepancy", "amount": "-10.00", "tax_amount": "-1.90"},'
    ' {"kind": "shipping_refund", "amount": "-5.00", "tax_amount": "-0.95"}]}]},\n'
    ' {"id": 5002, "name": "#1002", "created_at": "2026-03-01T11:00:00+01:00", "updated_at":'
    ' "2026-03-01T11:00:00+01:00", "financial_status": "paid", "currency": "USD", "taxes_included": false,'
    ' "subtotal_price": "40.00", "total_tax": "3.00", "total_price": "43.00", "shipping_lines": [], "refunds": []}]}\n',
    sample_suffix="json",
    gives=(
        ("1001", "2026-03-01 09:00:00", "partially_refunded", "100.00", "60.00", None, "EUR", "2026-03-02 09:00:00"),
        ("1002", "2026-03-01 10:00:00", "completed", "40.00", "0.00", None, "USD", "2026-03-01 10:00:00"),
    ),
)
