"""Shopware 6, orders of the Admin API as JSON."""

from __future__ import annotations

import json

import polars as pl

from ingestion.sources.net_amounts import money, total_of
from ingestion.sources.presets import Preset


def _orders(rows: pl.DataFrame) -> pl.DataFrame:
    places = pl.struct("amountNet", "shippingCosts.totalPrice", "shippingCosts.calculatedTaxes", "taxStatus")
    return rows.with_columns(places.map_elements(_net, pl.String).alias("net of shipping"))


def _net(row: dict[str, str | None]) -> str | None:
    """`amountNet` has the shipping's net in it, whose costs have tax in them where the order's prices do."""
    net, shipping = money(row["amountNet"]), money(row["shippingCosts.totalPrice"])
    if net is None or shipping is None:
        return row["amountNet"]
    taxes = json.loads(row["shippingCosts.calculatedTaxes"] or "[]")
    taxes = list(taxes.values()) if isinstance(taxes, dict) else taxes
    of_shipping = total_of(taxes, "tax") if row["taxStatus"] == "gross" else 0
    return str(net - shipping + of_shipping)


PRESET = Preset(
    name="shopware",
    kind="ledger",
    tool="Shopware 6 (Admin API)",
    export="POST /api/search/order with the associations currency, stateMachineState; with the header `Accept:"
    " application/json`.",
    documented_at="https://shopware.stoplight.io/docs/admin-api/",
    signature=("orderNumber", "orderDateTime", "amountTotal", "amountNet"),
    columns={
        "order_id": "orderNumber",
        "ordered_at": "orderDateTime",
        "status": "stateMachineState.technicalName",
        "revenue": "net of shipping",
        "currency": "currency.isoCode",
        "updated_at": "updatedAt",
    },
    optional=("updated_at",),
    decimal=".",
    status={"open": "completed", "in_progress": "completed", "completed": "completed", "cancelled": "cancelled"},
    prepare=_orders,
    needs=("shippingCosts.totalPrice", "shippingCosts.calculatedTaxes", "taxStatus"),
    uses=("shippingCosts.totalPrice", "shippingCosts.calculatedTaxes", "taxStatus"),
    notes="Revenue is `amountNet` less the net of `shippingCosts`. Shopware keeps refunds with the payments, not"
    " here: add them as rows with a negative revenue, or in a plain table.",
    sample='{"total": 1, "data": [{"orderNumber": "10001", "orderDateTime": "2026-03-01T10:00:00.000+00:00",'
    ' "updatedAt":'
    ' "2026-03-02T10:00:00.000+00:00", "amountTotal": 124.95, "amountNet": 105, "taxStatus": "gross", "shippingCosts":'
    ' {"totalPrice": 5.95, "calculatedTaxes": [{"tax": 0.95, "taxRate": 19, "price": 5.95}]}, "stateMachineState":'
    ' {"technicalName": "open"}, "currency": {"isoCode": "EUR"}}]}\n',
    sample_suffix="json",
    gives=(("10001", "2026-03-01 10:00:00", "completed", "100.00", "0.00", None, "EUR", "2026-03-02 10:00:00"),),
)
