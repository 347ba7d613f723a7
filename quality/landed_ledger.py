"""The ledger's orders from its landed rows, worked out a second time in exact integers, without the models."""

from __future__ import annotations

import polars as pl

from ingestion.load_tables import natural_order
from quality.landed_rates import half_even

_ROW = (
    "file", "line", "order_id", "ordered_at", "status", "revenue_minor", "refunded_minor", "cogs_minor", "currency",
    "updated_at",
)  # fmt: skip
_IS_CANCELLED = pl.col("status") == "cancelled"


def ledger_orders(rows: pl.DataFrame) -> pl.DataFrame:
    """The last row of each order, its refunds with all that came back, up to its revenue.

    Args:
        rows: all rows of ``raw.ledger_orders`` of the orders that are meant.
    """
    is_posting = pl.col("posting").is_not_null()
    postings = _last_postings(rows.filter(is_posting))
    payments = _added_up(postings.filter(pl.col("posting") == "payment"), ["order_id", "currency"])
    whole = pl.concat([_whole_orders(rows.filter(~is_posting)), payments.select(_ROW)])
    return _with_returns(_last(whole), _notes(whole), _returned(postings, payments))


def _landed_as(rows: pl.DataFrame) -> pl.Expr:
    return pl.col("file").replace_strict(
        {name: natural_order(name) for name in rows["file"].unique()}, return_dtype=pl.String
    )


def _last_postings(rows: pl.DataFrame) -> pl.DataFrame:
    """Each posting as its last file has it."""
    rows = rows.with_columns(_landed_as(rows).alias("landed_as"))
    for name in ("updated_at", "landed_as", "file"):
        rows = rows.filter(pl.col(name) == pl.col(name).max().over("order_id", "item_hash", "ordered_at"))
    return rows


def _whole_orders(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with items of one order in one file added up, each as it stands last."""
    items = rows.filter(pl.col("item_hash").is_not_null())
    last = items.filter(
        pl.col("updated_at") == pl.col("updated_at").max().over("file", "order_id", "ordered_at", "item_hash")
    )
    added = _added_up(last, ["file", "order_id", "ordered_at", "currency"])
    return pl.concat([rows.filter(pl.col("item_hash").is_null()).select(_ROW), added.select(_ROW)])


def _added_up(rows: pl.DataFrame, order: list[str]) -> pl.DataFrame:
    """One row for all of an order's, at the first of those that count; cancelled ones count nothing."""
    counts = ~_IS_CANCELLED
    is_known = pl.col("cogs_minor").filter(counts).is_not_null().any()
    others = [pl.col(name).max() for name in ("file", "line", "updated_at") if name not in order]
    at = [pl.coalesce(pl.col("ordered_at").filter(counts).min(), pl.col("ordered_at").min()).alias("ordered_at")]
    return rows.group_by(order).agg(
        *others, *([] if "ordered_at" in order else at),
        pl.when(counts.any()).then(pl.lit("completed")).otherwise(pl.lit("cancelled")).alias("status"),
        *[pl.col(name).filter(counts).sum() for name in ("revenue_minor", "refunded_minor", "paid_minor")],
        pl.when(is_known).then(pl.col("cogs_minor").filter(counts).sum()).alias("cogs_minor"),
    )  # fmt: skip


def _last(whole: pl.DataFrame) -> pl.DataFrame:
    orders = whole.filter(pl.col("revenue_minor") >= 0)
    return orders.sort("updated_at", _landed_as(orders), "file", "line").unique("order_id", keep="last")


def _notes(whole: pl.DataFrame) -> pl.DataFrame:
    """What rows of negative revenue give back; the same one in a later file is the same one."""
    notes = whole.filter(pl.col("revenue_minor") < 0)
    distinct = notes.drop("file", "line", "refunded_minor", "cogs_minor").unique()
    return distinct.group_by("order_id", "currency").agg(credited=(0 - pl.col("revenue_minor").cast(pl.Int128)).sum())


def _returned(postings: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """What postings give back; of an amount with tax and shipping in it the goods' part of what was paid."""
    returns = postings.filter(pl.col("posting") == "return", ~_IS_CANCELLED)
    revenue, whole = (0 - pl.col(name).cast(pl.Int128) for name in ("revenue_minor", "paid_minor"))
    goods = pl.when(pl.col("paid_minor").is_null()).then(revenue).otherwise(0)
    came_back = returns.group_by("order_id", "currency").agg(goods=goods.sum(), total=whole.sum())
    paid = payments.select("order_id", "currency", "revenue_minor", "paid_minor")
    rows = came_back.join(paid, on=["order_id", "currency"], how="left").iter_rows()
    return pl.DataFrame(
        [
            (order_id, currency, max(0, goods + (half_even(total * revenue, of) if of and total > 0 else total)))
            for order_id, currency, goods, total, revenue, of in rows
        ],
        {"order_id": pl.String, "currency": pl.String, "returned": pl.Int128}, orient="row",
    )  # fmt: skip


def _with_returns(orders: pl.DataFrame, notes: pl.DataFrame, returned: pl.DataFrame) -> pl.DataFrame:
    key = ["order_id", "currency"]
    given_back = pl.sum_horizontal(pl.col("refunded_minor", "credited", "returned").cast(pl.Int128).fill_null(0))
    all_of_it = pl.col("revenue_minor").cast(pl.Int128)
    found = orders.join(notes, on=key, how="left").join(returned, on=key, how="left")
    return found.with_columns(refunded_minor=pl.min_horizontal(given_back, all_of_it).cast(pl.Int64)).select(_ROW)
