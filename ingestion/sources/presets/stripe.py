"""Stripe: payments, and the transactions of the balance."""

from __future__ import annotations

import polars as pl

from ingestion.sources.presets import Amount, Preset

_POSTING = "Posting"
_GROSS = "its amounts are what was charged, with tax and shipping in them, and it has no column for either"
_SALES = ("charge", "payment")
_GIVEN_BACK = ("refund", "payment_refund", "payment_failure_refund", "refund_failure", "payment_reversal")

_DISPUTED = ("disputed", "charge back")
_TAKES_NOTHING = r"won|warning|inquiry|prevented|withdrawn"


def _payments(rows: pl.DataFrame) -> pl.DataFrame:
    """Charges, which say themselves what was given back, and what a dispute has taken, unless it was won."""
    outcome = pl.col("Dispute Status").fill_null("").str.strip_chars().str.to_lowercase()
    is_taken = (outcome != "") & ~outcome.str.contains(_TAKES_NOTHING)
    is_amount = ~is_taken | (pl.col("Disputed Amount").fill_null("").str.strip_chars() != "")
    is_disputed = pl.col("Status").str.strip_chars().str.to_lowercase().is_in(_DISPUTED).fill_null(False)
    is_told = (outcome != "") & is_amount & is_disputed
    return rows.with_columns(
        pl.lit("payment").alias(_POSTING),
        pl.when(is_taken).then("Disputed Amount").alias("Disputed Amount"),
        pl.when(is_told).then(pl.lit("Paid")).otherwise("Status").alias("Status"),
    )


def _sales(rows: pl.DataFrame) -> pl.DataFrame:
    """Sales and what takes them back; payouts and fees are no orders. A dispute, lost or won, is an adjustment."""
    kind = pl.col("Type").str.strip_chars().str.to_lowercase()
    is_ours = kind.is_in([*_SALES, *_GIVEN_BACK]) | (
        (kind == "adjustment") & pl.col("order_id (metadata)").fill_null("").str.strip_chars().ne("")
    )
    posting = pl.when(kind.is_in(_SALES)).then(pl.lit("payment")).otherwise(pl.lit("return"))
    return rows.filter(is_ours.fill_null(True)).with_columns(posting.alias(_POSTING))


PRESETS = (
    Preset(
        name="stripe_payments",
        kind="ledger",
        tool="Stripe (payments)",
        export="Payments → Export, all columns; the checkout has to write the shop's order number to the metadata"
        " `order_id`.",
        documented_at="https://docs.stripe.com/dashboard/basics",
        signature=("id", "Created date (UTC)", "Amount", "Amount Refunded", "Currency", "Status"),
        columns={
            "order_id": ("order_id (metadata)", "order_number (metadata)"),
            "ordered_at": "Created date (UTC)",
            "status": "Status",
            "revenue": "Amount",
            "refunded": Amount(("Amount Refunded", "Disputed Amount")),
            "currency": "Currency",
            "line_item_id": "id",
        },
        has_lines=True,
        postings=_POSTING,
        optional=("updated_at",),
        prepare=_payments,
        uses=("Disputed Amount", "Dispute Status"),
        is_utc=True,
        status={
            "paid": "completed",
            "succeeded": "completed",
            "refunded": "refunded",
            "partially refunded": "partially_refunded",
            "partial refund": "partially_refunded",
            "failed": "cancelled",
            "canceled": "cancelled",
            "incomplete": "cancelled",
            "expired": "cancelled",
            "requires payment method": "cancelled",
            "disputed": "refunded",
            "charge back": "refunded",
        },
        only_if_named=_GROSS,
        notes="Amounts are taken as they were charged, with tax and shipping in them. Charges of an order add up, in"
        " whichever file they are; those that failed count nothing. With `Disputed Amount` and `Dispute Status`, what a"
        " dispute has taken is given back, and nothing of one that was won.",
        sample="id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Fee,Status,order_id (metadata)\n"
        "ch_1,2026-03-01 10:00:00,119.00,19.00,eur,TRUE,1.99,Paid,o1\n"
        "ch_2,2026-03-01 11:00:00,20.00,0.00,eur,FALSE,0.00,Failed,o2\n",
        gives=(
            ("o1", "2026-03-01 10:00:00", "completed", "119.00", "19.00", None, "EUR", "2026-03-01 10:00:00"),
            ("o2", "2026-03-01 11:00:00", "cancelled", "20.00", "0.00", None, "EUR", "2026-03-01 11:00:00"),
        ),
    ),
    Preset(
        name="stripe_balance",
        kind="ledger",
        tool="Stripe (balance transactions)",
        export="Balances → All activity → Export, with the metadata `order_id`.",
        documented_at="https://docs.stripe.com/reports/balance-transaction-types",
        signature=("id", "Type", "Amount", "Fee", "Net", "Currency", "Created (UTC)", "order_id (metadata)"),
        columns={
            "order_id": "order_id (metadata)",
            "ordered_at": "Created (UTC)",
            "revenue": "Amount",
            "currency": "Currency",
            "line_item_id": "id",
        },
        has_lines=True,
        postings=_POSTING,
        optional=("updated_at", "status"),
        is_utc=True,
        prepare=_sales,
        only_if_named=_GROSS,
        notes="Amounts are taken as they were charged, with tax and shipping in them. Charges of an order add up, in"
        " whichever file they are. A refund is a row of its own with a negative amount, which adds to the order's"
        " refunds; a refund that failed and a dispute that was won take theirs back. Payouts and fees are left out.",
        sample="id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),order_id (metadata)\n"
        "txn_1,charge,ch_1,119.00,1.99,117.01,eur,2026-03-01 10:00,2026-03-09 00:00,o1\n"
        "txn_2,refund,re_1,-19.00,0.00,-19.00,eur,2026-03-03 10:00,2026-03-03 00:00,o1\n"
        "txn_3,payout,po_1,-98.01,0.00,-98.01,eur,2026-03-09 10:00,2026-03-10 00:00,\n",
        gives=(
            ("o1", "2026-03-01 10:00:00", "completed", "119.00", "0.00", None, "EUR", "2026-03-01 10:00:00"),
            ("o1", "2026-03-03 10:00:00", "completed", "-19.00", "0.00", None, "EUR", "2026-03-03 10:00:00"),
        ),
    ),
)
