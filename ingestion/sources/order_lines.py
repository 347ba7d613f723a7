"""Orders whose rows are their items: what is said of the order, on each row or on its first one only, counts once."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ingestion.sources.tabular import cells
from ingestion.sources.tabular.numbers import SCALE
from ingestion.sources.tabular.table import Table

_OF_THE_ORDER = ("ordered_at", "status", "currency", "updated_at", "total", "refunded_total")
_OF_AN_ITEM = ("revenue", "refunded")  # absent on an item, and present on another, it is nothing
_AMOUNTS = ("revenue", "refunded", "cogs")
_PRICES = ("lineitem_price", "line_item_price", "item_price", "unit_price", "price")
_PIECES = ("lineitem_quantity", "line_item_quantity", "item_quantity", "quantity", "qty")
_ORDER = "order_id"
_MOST_TAX = 1.3  # times the price without it: no country's is higher


def complete(table: Table) -> None:
    """Give each item what its order's first row says of the order, and an amount of the order to one item alone.

    It is the order's where all items have the same although their prices differ, or it is more than any of them is
    worth, be it by the amounts or by price and number of pieces.
    """
    places = {name: place for name in (*_OF_THE_ORDER, *_OF_AN_ITEM, _ORDER)
              if (place := table.known.place(name)) is not None}  # fmt: skip
    preset = table.known.preset
    if table.known.place("line_item_id") is None or preset.prepare or preset.postings or _ORDER not in places:
        return
    told = table.frame.select(cells.texts(table.raw(place)).alias(name) for name, place in places.items())
    lacking = [name for name in told.columns if name != _ORDER and told[name].null_count()]
    if lacking:
        filled = told.with_columns(_filled(name) for name in lacking)
        table.frame = table.frame.with_columns(filled[name].alias(str(places[name])) for name in lacking)
    for name in _AMOUNTS:
        place = table.known.place(name)
        if place is not None and "revenue" in places and (is_again := _is_repeated(table, places[_ORDER], name)).any():
            once = pl.when(is_again).then(pl.lit("0")).otherwise(pl.col(str(place)))
            table.frame = table.frame.with_columns(once.alias(str(place)))


def _filled(name: str) -> pl.Expr:
    of_order = pl.col(name).drop_nulls().first().over(_ORDER)
    if name in _OF_THE_ORDER:
        return pl.col(name).fill_null(of_order)
    return (
        pl.when(pl.col(name).is_null() & of_order.is_not_null()).then(pl.lit("0")).otherwise(pl.col(name)).alias(name)
    )


def _is_repeated(table: Table, order: int, name: str) -> pl.Series:
    """Which amounts say again what an item of their order before them has said."""
    rows = pl.DataFrame({
        _ORDER: table.raw(order), "amount": table.amount(name)[0], "revenue": table.amount("revenue")[0],
        "worth": _worth(table),
    })  # fmt: skip
    is_one = (pl.col("amount").n_unique().over(_ORDER) == 1) & (pl.len().over(_ORDER) > 1)
    is_above = (pl.col("amount").first().over(_ORDER) > pl.col("revenue").min().over(_ORDER)) & (pl.col("revenue") >= 0)
    is_unlike = pl.col("worth").drop_nulls().n_unique().over(_ORDER) > 1
    pieces = _numbers(table, _PIECES)
    is_more = (pl.col("amount").first() > pl.col("worth").max() * _MOST_TAX * 10**SCALE).over(_ORDER)
    is_more &= pl.lit(name == "revenue" and pieces.null_count() < len(pieces))
    is_later = pl.int_range(pl.len()).over(_ORDER) > 0
    return rows.select((is_one & (is_above | is_unlike | is_more) & is_later).fill_null(False)).to_series()


def _worth(table: Table) -> pl.Series:
    """What each item is worth by the file's own price and number of pieces; null where it has no such column."""
    price, pieces = (_numbers(table, names) for names in (_PRICES, _PIECES))
    return price * pieces.fill_null(1)


def _numbers(table: Table, names: Sequence[str]) -> pl.Series:
    place = next((found[0] for name in names if (found := table.known.header.places(name))), None)
    if place is None:
        return pl.repeat(None, len(table.frame), dtype=pl.Float64, eager=True)
    return table.raw(place).cast(pl.Float64, strict=False)
