"""Orders whose rows are their items: what is said of the order, on each row or on its first one only, counts once."""

from __future__ import annotations

import polars as pl

from ingestion.sources.tabular import cells
from ingestion.sources.tabular.table import Table

_OF_THE_ORDER = ("ordered_at", "status", "currency", "updated_at", "total", "refunded_total")
_OF_AN_ITEM = ("revenue", "refunded")  # absent on an item, and present on another, it is nothing
_ORDER = "order_id"


def complete(table: Table) -> None:
    """Give each item what its order's first row says of the order, and a repeated refund to one item alone.

    It is a repeated one where all items have the same and it is more than one of them is worth.
    """
    places = {name: place for name in (*_OF_THE_ORDER, *_OF_AN_ITEM, _ORDER)
              if (place := table.known.place(name)) is not None}  # fmt: skip
    if table.known.place("line_item_id") is None or table.known.preset.prepare or _ORDER not in places:
        return
    told = table.frame.select(cells.texts(table.raw(place)).alias(name) for name, place in places.items())
    lacking = [name for name in told.columns if name != _ORDER and told[name].null_count()]
    if lacking:
        filled = told.with_columns(_filled(name) for name in lacking)
        table.frame = table.frame.with_columns(filled[name].alias(str(places[name])) for name in lacking)
    if "refunded" in places and "revenue" in places:
        is_repeated = _is_repeated(table, places[_ORDER])
        if is_repeated.any():
            once = pl.when(is_repeated).then(pl.lit("0")).otherwise(pl.col(str(places["refunded"])))
            table.frame = table.frame.with_columns(once.alias(str(places["refunded"])))


def _filled(name: str) -> pl.Expr:
    of_order = pl.col(name).drop_nulls().first().over(_ORDER)
    if name in _OF_THE_ORDER:
        return pl.col(name).fill_null(of_order)
    return (
        pl.when(pl.col(name).is_null() & of_order.is_not_null()).then(pl.lit("0")).otherwise(pl.col(name)).alias(name)
    )


def _is_repeated(table: Table, order: int) -> pl.Series:
    """Which refunds say again what an item of their order before them has said."""
    rows = pl.DataFrame({
        _ORDER: table.raw(order), "refunded": table.amount("refunded")[0], "revenue": table.amount("revenue")[0],
    })  # fmt: skip
    is_one = (pl.col("refunded").n_unique().over(_ORDER) == 1) & (pl.len().over(_ORDER) > 1)
    is_above = pl.col("refunded").first().over(_ORDER) > pl.col("revenue").min().over(_ORDER)
    is_later = pl.int_range(pl.len()).over(_ORDER) > 0
    return rows.select((is_one & is_above & is_later & (pl.col("revenue") >= 0)).fill_null(False)).to_series()
