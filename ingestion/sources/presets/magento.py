"""Magento and Adobe Commerce: orders of the REST API, and the grid of the admin."""

from __future__ import annotations

from ingestion.sources.presets import Amount, Preset

STATUS = {
    "complete": "completed", "processing": "completed", "closed": "refunded", "canceled": "cancelled",
    "pending": "completed", "holded": "completed", "on hold": "completed", "payment_review": "completed",
    "payment review": "completed", "fraud": "cancelled", "suspected fraud": "cancelled",
    "pending_payment": "cancelled", "pending payment": "cancelled", "pending_paypal": "cancelled",
    "paypal_canceled_reversal": "completed", "paypal_reversed": "refunded",
}  # fmt: skip

PRESETS = (
    Preset(
        name="magento_api",
        kind="ledger",
        tool="Magento / Adobe Commerce (REST API)",
        export="GET /rest/V1/orders?searchCriteria…, as it answers, or one order a line.",
        documented_at="https://developer.adobe.com/commerce/webapi/rest/",
        signature=("increment_id", "grand_total", "tax_amount", "shipping_amount"),
        columns={
            "order_id": "increment_id",
            "ordered_at": "created_at",
            "status": "status",
            "revenue": Amount(("grand_total",), ("tax_amount", "shipping_amount")),
            "total": "grand_total",
            "refunded_total": "total_refunded",
            "currency": "order_currency_code",
            "updated_at": "updated_at",
        },
        decimal=".",
        is_utc=True,
        status=STATUS,
        notes="Revenue is `grand_total` less `tax_amount` and `shipping_amount`, so after discounts. Of"
        " `total_refunded` the goods' part of the order counts; `closed` without it is a full refund.",
        sample='{"items": [{"increment_id": "000000031", "created_at": "2026-03-01 10:00:00", "updated_at":'
        ' "2026-03-02 10:00:00", "status": "processing", "order_currency_code": "EUR", "grand_total": 124.95,'
        ' "tax_amount":'
        ' 19.95, "shipping_amount": 5, "total_refunded": 62.475}, {"increment_id": "000000032", "created_at":'
        ' "2026-03-01 11:00:00", "updated_at": "2026-03-01 11:00:00", "status": "closed", "order_currency_code": "EUR",'
        ' "grand_total": 119, "tax_amount": 19, "shipping_amount": 0}], "total_count": 2}\n',
        sample_suffix="json",
        gives=(
            ("000000031", "2026-03-01 10:00:00", "completed", "100.00", "50.00", None, "EUR", "2026-03-02 10:00:00"),
            ("000000032", "2026-03-01 11:00:00", "refunded", "100.00", "100.00", None, "EUR", "2026-03-01 11:00:00"),
        ),
    ),
    Preset(
        name="magento_grid",
        kind="ledger",
        tool="Magento / Adobe Commerce (orders grid)",
        export="Sales → Orders → Export → CSV.",
        documented_at="https://experienceleague.adobe.com/en/docs/commerce-admin/stores-sales/order-management/orders/orders",
        signature=("ID", "Purchase Date", "Grand Total (Purchased)", "Status"),
        columns={
            "order_id": "ID",
            "ordered_at": "Purchase Date",
            "status": "Status",
            "revenue": "Grand Total (Purchased)",
            "total": "Grand Total (Purchased)",
            "refunded_total": "Total Refunded",
        },
        optional=("updated_at",),
        status=STATUS,
        only_if_named="its totals include tax and shipping, and it has no column for either",
        notes="The grid has no tax, so its totals are taken as they are, with tax and shipping in them.",
        sample='"ID","Purchase Point","Purchase Date","Grand Total (Base)","Grand Total (Purchased)","Status",'
        '"Total Refunded"\n'
        '"000000031","Main Website","Mar 1, 2026 10:00:00 AM","€119.00","€119.00","complete","€19.00"\n',
        sample_currency="EUR",
        gives=(
            ("000000031", "2026-03-01 09:00:00", "completed", "119.00", "19.00", None, "EUR", "2026-03-01 09:00:00"),
        ),
    ),
)
