"""Orders whose rows are payments and what takes them back: an order may be paid, shipped or disputed in several."""

from __future__ import annotations

import polars as pl


def added_up(rows: pl.DataFrame) -> pl.DataFrame:
    """Let all that was paid for an order in a file stand at its first payment, so that it adds up as items do.

    What takes back stands by itself, as a credit note; if it failed, or comes to nothing, it is left out, since it
    would take the order's place. What undoes it, such as a dispute that was won, counts as paid again: a credit note
    that an earlier file gave stands.
    """
    is_failed = pl.col("status") == "cancelled"
    came_to = pl.col("revenue_minor").filter(~is_failed).sum().over("order_id", "ordered_at")
    is_paid = (came_to > 0) | ((came_to == 0) & (pl.col("ordered_at") == pl.col("ordered_at").min().over("order_id")))
    kept = rows.filter(~(is_failed & (pl.col("revenue_minor") < 0))).with_columns(
        is_failed=is_failed, is_back=came_to < 0, is_paid=is_paid | is_failed
    )
    kept = kept.filter(pl.col("is_paid") | pl.col("is_back"))
    counts = pl.col("is_paid") & ~pl.col("is_back")
    of_payments = pl.col("ordered_at").filter(counts & ~pl.col("is_failed"))
    first = pl.coalesce(of_payments.min().over("order_id"), pl.col("ordered_at").filter(counts).min().over("order_id"))
    last = pl.col("updated_at").filter(counts).max().over("order_id")
    return kept.with_columns(
        pl.when(counts).then(first).otherwise("ordered_at").alias("ordered_at"),
        pl.when(counts).then(last).otherwise("updated_at").alias("updated_at"),
    ).select(rows.columns)
