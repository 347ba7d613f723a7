"""WooCommerce: orders of the REST API, the orders report of Analytics, and Advanced Order Export."""

from __future__ import annotations

import polars as pl

from ingestion.sources.net_amounts import listed, total_of
from ingestion.sources.presets import Amount, Preset

_WORDS = {
    "completed": "completed", "processing": "completed", "on-hold": "completed", "on hold": "completed",
    "refunded": "refunded", "cancelled": "cancelled", "failed": "cancelled", "pending": "cancelled",
    "pending payment": "cancelled", "checkout-draft": "cancelled", "draft": "cancelled", "trash": "cancelled",
}  # fmt: skip
STATUS = _WORDS | {f"wc-{word}": ours for word, ours in _WORDS.items()}


def _refunds(rows: pl.DataFrame) -> pl.DataFrame:
    given_back = pl.col("refunds").map_elements(lambda text: str(-total_of(listed(text), "total")), pl.String)
    return rows.with_columns(given_back.alias("total refunded"))


def _one_tax(rows: pl.DataFrame) -> pl.DataFrame:
    """The cart's tax is a part of the total tax: where both are there, it would be taken off twice."""
    total = pl.col("Order Total Tax Amount")
    return rows.with_columns(pl.when(total.is_null()).then("Cart Tax Amount").otherwise(total).alias("tax")).drop(
        "Order Total Tax Amount", "Cart Tax Amount"
    )


PRESETS = (
    Preset(
        name="woocommerce_api",
        kind="ledger",
        tool="WooCommerce (REST API)",
        export="GET /wp-json/wc/v3/orders, as it answers, or one order a line.",
        documented_at="https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties",
        signature=("number", "date_created_gmt", "total_tax", "shipping_total", "prices_include_tax"),
        columns={
            "order_id": "number",
            "ordered_at": "date_created_gmt",
            "status": "status",
            "revenue": Amount(("total",), ("total_tax", "shipping_total")),
            "total": "total",
            "refunded_total": "total refunded",
            "currency": "currency",
            "updated_at": "date_modified_gmt",
        },
        decimal=".",
        is_utc=True,
        status=STATUS,
        prepare=_refunds,
        uses=("refunds",),
        notes="Revenue is `total` less `total_tax` and `shipping_total`, so after discounts. Of the refunds, which"
        " have tax and shipping in them, the goods' part of the order counts. An order that waits for its"
        " payment is cancelled until it is paid; one on hold counts, as in WooCommerce's own reports.",
        sample='[{"id": 31, "number": "31", "status": "processing", "currency": "EUR", "prices_include_tax": true,'
        ' "date_created_gmt": "2026-03-01T10:00:00", "date_modified_gmt": "2026-03-02T10:00:00", "total": "124.95",'
        ' "total_tax": "19.95", "shipping_total": "5.00", "refunds": [{"id": 40, "total": "-62.48"}]}]\n',
        sample_suffix="json",
        gives=(("31", "2026-03-01 10:00:00", "completed", "100.00", "50.00", None, "EUR", "2026-03-02 10:00:00"),),
    ),
    Preset(
        name="woocommerce_analytics",
        kind="ledger",
        tool="WooCommerce (Analytics)",
        export="Analytics → Orders → Download.",
        documented_at="https://woocommerce.com/document/woocommerce-analytics/orders-report/",
        signature=("Date", "Order #", "Status", "Items sold"),
        columns={
            "order_id": "Order #",
            "ordered_at": "Date",
            "status": "Status",
            "revenue": ("Net sales", "N. Revenue"),
        },
        optional=("updated_at",),
        status=STATUS | {"refund": "refunded"},
        notes="Revenue is net of tax and shipping. A refund is a row of its own with negative net sales, which adds"
        " to the order's refunds. The export has no currency.",
        sample="Date,Order #,Status,Customer,Customer type,Product(s),Items sold,Coupon(s),N. Revenue,Attribution\n"
        "2026-03-01 10:00:00,31,Completed,,new,Shirt,1,,100,Direct\n"
        "2026-03-03 10:00:00,31,Refunded,,new,Shirt,-1,,-40,Direct\n",
        sample_currency="EUR",
        gives=(
            ("31", "2026-03-01 09:00:00", "completed", "100.00", "0.00", None, "EUR", "2026-03-01 09:00:00"),
            ("31", "2026-03-03 09:00:00", "refunded", "-40.00", "0.00", None, "EUR", "2026-03-03 09:00:00"),
        ),
    ),
    Preset(
        name="woocommerce_order_export",
        kind="ledger",
        tool="WooCommerce (Advanced Order Export)",
        export="Export with the fields Order Number, Order Status, Order Date, Order Total Amount, Order Total Tax"
        " Amount (or Cart Tax Amount), Order Shipping Amount and Order Refund Amount.",
        documented_at="https://docs.algolplus.com/algol_order_export/",
        signature=("Order Number", "Order Status", "Order Date", "Order Total Amount"),
        columns={
            "order_id": "Order Number",
            "ordered_at": "Order Date",
            "status": "Order Status",
            "revenue": Amount(("Order Total Amount",), ("tax", "Order Shipping Amount")),
            "total": "Order Total Amount",
            "refunded_total": "Order Refund Amount",
            "currency": ("Order Currency", "Currency"),
        },
        optional=("updated_at",),
        status=STATUS,
        prepare=_one_tax,
        uses=("Order Total Tax Amount", "Cart Tax Amount"),
        needs=("Order Shipping Amount", ("Order Total Tax Amount", "Cart Tax Amount")),
        notes="Revenue is the total less tax and shipping, so after discounts. Of the refund, which has tax and"
        " shipping in it, the goods' part counts.",
        sample="Order Number,Order Status,Order Date,Customer Note,Order Total Amount,Order Refund Amount,Cart Tax"
        " Amount,"
        "Order Shipping Amount\n"
        "2001,wc-completed,2026-03-01 10:00,,119.00,0,19.00,0\n2002,Processing,2026-03-01 11:00,,24.90,12.45,0.00,"
        "4.90\n",
        sample_currency="EUR",
        gives=(
            ("2001", "2026-03-01 09:00:00", "completed", "100.00", "0.00", None, "EUR", "2026-03-01 09:00:00"),
            ("2002", "2026-03-01 10:00:00", "completed", "20.00", "10.00", None, "EUR", "2026-03-01 10:00:00"),
        ),
    ),
)
