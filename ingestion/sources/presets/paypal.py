"""PayPal, the activity download."""

from __future__ import annotations

import polars as pl

from ingestion.sources.presets import Amount, Preset

_SALES = ("payment", "checkout", "purchase")
_GIVEN_BACK = ("refund", "reversal", "chargeback")


def _sales(rows: pl.DataFrame) -> pl.DataFrame:
    """Payments for orders and what takes them back; withdrawals, conversions, holds and fees are no orders."""
    kind = pl.col("Type").fill_null("").str.to_lowercase()
    is_ours = pl.any_horizontal(kind.str.contains(word, literal=True) for word in (*_SALES, *_GIVEN_BACK))
    moment = pl.concat_str("Date", "Time", pl.col("TimeZone").replace("", None), separator=" ", ignore_nulls=True)
    is_no_order = kind.str.contains("fee|hold|release|conversion")
    gives_back = pl.any_horizontal(kind.str.contains(word, literal=True) for word in _GIVEN_BACK)
    is_return = gives_back | pl.col("Gross").fill_null("").str.strip_chars().str.contains("^[-\u2212(]|-$")
    posting = pl.when(is_return).then(pl.lit("return")).otherwise(pl.lit("payment"))
    return rows.filter(is_ours & ~is_no_order).with_columns(moment.alias("Date and time"), posting.alias("Posting"))


PRESET = Preset(
    name="paypal",
    kind="ledger",
    tool="PayPal (activity download)",
    export="Activity → Download → Balance affecting, CSV, with Invoice Number, Sales Tax and Shipping and Handling"
    " Amount.",
    documented_at="https://developer.paypal.com/docs/reports/online-reports/activity-download/",
    signature=("Date", "Time", "Type", "Status", "Currency", "Gross", "Invoice Number", "Sales Tax"),
    columns={
        "order_id": "Invoice Number",
        "ordered_at": "Date and time",
        "status": "Status",
        "revenue": Amount(("Gross",), ("Sales Tax", "Shipping and Handling Amount")),
        "total": "Gross",
        "currency": "Currency",
        "line_item_id": "Transaction ID",
    },
    has_lines=True,
    postings="Posting",
    optional=("updated_at",),
    status={
        "completed": "completed",
        "pending": "completed",
        "partially refunded": "completed",
        "refunded": "completed",
        "reversed": "completed",
        "cleared": "completed",
        "denied": "cancelled",
        "canceled": "cancelled",
        "expired": "cancelled",
        "failed": "cancelled",
        "voided": "cancelled",
    },
    prepare=_sales,
    uses=("TimeZone",),
    needs=("Shipping and Handling Amount",),
    notes="Revenue is `Gross` less `Sales Tax` and `Shipping and Handling Amount`. A refund is a row of its own with"
    " a negative `Gross`, which adds to the order's refunds; where it says nothing of tax and shipping, the goods' part"
    " of it is that of the order's payments. A dispute that was won takes its refund back. Several payments of an order"
    " add up, in whichever file they are; one that failed, and a refund that did, count nothing. Moments are of the"
    " `TimeZone` that stands beside them. Days are written as your account writes them: say"
    " `date_format` where it is the month first.",
    sample='"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID",'
    '"Shipping and Handling Amount","Sales Tax","Invoice Number"\n'
    '"2026-03-01","10:00:00","UTC","","Express Checkout Payment","Completed","EUR","124.00","-3.00","121.00","8AB",'
    '"5.00","19.00","o1"\n'
    '"2026-03-03","10:00:00","UTC","","Payment Refund","Completed","EUR","-50.00","0.00","-50.00","8AC",'
    '"0.00","0.00","o1"\n'
    '"2026-03-04","10:00:00","UTC","","General Withdrawal","Completed","EUR","-71.00","0.00","-71.00","8AD","","",""\n',
    gives=(
        ("o1", "2026-03-01 10:00:00", "completed", "100.00", "0.00", None, "EUR", "2026-03-01 10:00:00"),
        ("o1", "2026-03-03 10:00:00", "completed", "-50.00", "0.00", None, "EUR", "2026-03-03 10:00:00"),
    ),
)
