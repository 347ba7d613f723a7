"""BigCommerce, the orders export of the control panel."""

from ingestion.sources.presets import Amount, Preset

PRESET = Preset(
    name="bigcommerce",
    kind="ledger",
    tool="BigCommerce (orders export)",
    export="Orders → Export, template Default, as CSV.",
    documented_at="https://support.bigcommerce.com/s/article/Exporting-Orders",
    signature=("Order ID", "Order Date", "Order Status", "Order Total (ex tax)"),
    columns={
        "order_id": "Order ID",
        "ordered_at": "Order Date",
        "status": "Order Status",
        "revenue": Amount(("Order Total (ex tax)",), ("Shipping Cost (ex tax)", "Handling Cost (ex tax)")),
        "total": "Order Total (inc tax)",
        "refunded_total": "Refunded Amount",
        "currency": ("Order Currency Code", "Transactional Currency Code"),
    },
    optional=("updated_at",),
    needs=("Shipping Cost (ex tax)", "Handling Cost (ex tax)", "Order Total (inc tax)"),
    status={
        "completed": "completed",
        "shipped": "completed",
        "partially shipped": "completed",
        "awaiting fulfillment": "completed",
        "awaiting shipment": "completed",
        "awaiting pickup": "completed",
        "manual verification required": "completed",
        "disputed": "completed",
        "pending": "completed",
        "refunded": "refunded",
        "partially refunded": "partially_refunded",
        "cancelled": "cancelled",
        "declined": "cancelled",
        "incomplete": "cancelled",
        "awaiting payment": "cancelled",
    },
    notes="Revenue is the total without tax, less shipping and handling without tax, so after discounts. Of the"
    " refund, which has tax and shipping in it, the goods' part counts.",
    sample="Order ID,Order Status,Order Date,Order Time,Subtotal (inc tax),Subtotal (ex tax),Tax Total,Shipping Cost"
    " (inc tax),"
    "Shipping Cost (ex tax),Handling Cost (ex tax),Order Total (inc tax),Order Total (ex tax),Refunded Amount,"
    "Order Currency Code\n"
    "101,Completed,2026-03-01,10:00:00,119.00,100.00,19.95,5.95,5.00,0.00,124.95,105.00,0.00,EUR\n"
    "102,Partially Refunded,2026-03-01,11:00:00,119.00,100.00,19.00,0.00,0.00,0.00,119.00,100.00,59.50,EUR\n",
    gives=(
        ("101", "2026-02-28 23:00:00", "completed", "100.00", "0.00", None, "EUR", "2026-02-28 23:00:00"),
        ("102", "2026-02-28 23:00:00", "partially_refunded", "100.00", "50.00", None, "EUR", "2026-02-28 23:00:00"),
    ),
)
