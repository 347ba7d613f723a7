"""Amazon, the settlement report of a seller (flat file V2)."""

from __future__ import annotations

import polars as pl

from ingestion.sources.presets import Preset

_PARTS = ("transaction-type", "amount-type", "amount-description", "amount")


def _goods(rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each order and posting: what the goods brought. Fees, tax and shipping are left out.

    The first line of the report has its sum and currency, and no order.
    """
    currency = next((text for text in rows["currency"] if text and text.strip()), None)
    kind, part = (pl.col(name).fill_null("").str.to_lowercase() for name in ("amount-type", "amount-description"))
    is_goods = ((kind == "itemprice") & (part == "principal")) | (
        (kind == "promotion") & ~part.str.contains("shipping")
    )
    has_order = pl.col("order-id").fill_null("").str.strip_chars() != ""
    is_sale = pl.col("transaction-type").fill_null("").str.strip_chars().str.to_lowercase() == "order"
    return rows.filter(has_order & is_goods).with_columns(
        pl.lit(currency).alias("currency"),
        pl.concat_str("order-item-code", *_PARTS, separator=" ", ignore_nulls=True).alias("posting-id"),
        pl.when(is_sale).then(pl.lit("payment")).otherwise(pl.lit("return")).alias("posting"),
    )


PRESET = Preset(
    name="amazon_settlement",
    kind="ledger",
    tool="Amazon (settlement report)",
    export="Payments → Reports Repository → Settlement report, flat file V2.",
    documented_at="https://developer-docs.amazon.com/sp-api/docs/report-type-values-settlement",
    signature=("settlement-id", "transaction-type", "order-id", "amount-type", "amount-description", "amount"),
    columns={
        "order_id": "order-id",
        "ordered_at": "posted-date-time",
        "revenue": "amount",
        "currency": "currency",
        "line_item_id": "posting-id",
    },
    optional=("updated_at", "status"),
    date_formats=("%d.%m.%Y",),
    is_utc=True,
    prepare=_goods,
    uses=("currency", "order-item-code"),
    has_lines=True,
    postings="posting",
    notes="Revenue is what the goods brought (`ItemPrice`, `Principal`) less promotions; tax, shipping and fees are"
    " left out. A refund is a posting of its own with a negative amount, which adds to the order's refunds. What is"
    " shipped later adds to its order, in whichever settlement it is. An order's day is that on which Amazon first"
    " posted it.",
    sample="settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\t"
    "transaction-type\torder-id\tamount-type\tamount-description\tamount\tposted-date\tposted-date-time\t"
    "order-item-code\tsku\n"
    "1\t2026-03-01 00:00:00 UTC\t2026-03-14 00:00:00 UTC\t2026-03-16 00:00:00 UTC\t61.00\tEUR\t\t\t\t\t\t\t\t\t\n"
    "1\t\t\t\t\t\tOrder\t302-1\tItemPrice\tPrincipal\t60.00\t2026-03-01\t2026-03-01 10:00:00 UTC\t77\tS1\n"
    "1\t\t\t\t\t\tOrder\t302-1\tItemPrice\tTax\t11.40\t2026-03-01\t2026-03-01 10:00:00 UTC\t77\tS1\n"
    "1\t\t\t\t\t\tOrder\t302-1\tItemFees\tCommission\t-9.00\t2026-03-01\t2026-03-01 10:00:00 UTC\t77\tS1\n"
    "1\t\t\t\t\t\tOrder\t302-1\tItemPrice\tPrincipal\t40.00\t2026-03-01\t2026-03-01 10:00:00 UTC\t78\tS2\n"
    "1\t\t\t\t\t\tOrder\t302-1\tPromotion\tPrincipal\t-10.00\t2026-03-01\t2026-03-01 10:00:00 UTC\t78\tS2\n"
    "1\t\t\t\t\t\tRefund\t302-1\tItemPrice\tPrincipal\t-40.00\t2026-03-05\t2026-03-05 10:00:00 UTC\t78\tS2\n",
    sample_suffix="tsv",
    gives=(
        ("302-1", "2026-03-01 10:00:00", "completed", "60.00", "0.00", None, "EUR", "2026-03-01 10:00:00"),
        ("302-1", "2026-03-01 10:00:00", "completed", "40.00", "0.00", None, "EUR", "2026-03-01 10:00:00"),
        ("302-1", "2026-03-01 10:00:00", "completed", "-10.00", "0.00", None, "EUR", "2026-03-01 10:00:00"),
        ("302-1", "2026-03-05 10:00:00", "completed", "-40.00", "0.00", None, "EUR", "2026-03-05 10:00:00"),
    ),
)
