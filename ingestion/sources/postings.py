"""Rows that are payments of an order or what takes them back, as providers list them; the models add them up."""

from __future__ import annotations

import polars as pl

from ingestion.sources.tabular.table import Table


def kinds(table: Table) -> pl.Series:
    """Which posting of its order a row is, a `payment` or a `return`; null where it is none."""
    if name := table.known.preset.postings:
        [place] = table.known.header.places(name)
        return table.raw(place)
    return pl.Series("posting", [None], pl.String).new_from_index(0, len(table.frame))


def paid(minor: dict[str, pl.Series]) -> pl.Expr:
    """What a posting was with tax and shipping, in minor units; null where its revenue is all that is known of it.

    A return of which nothing says how much of it is tax or shipping has its whole amount as revenue.
    """
    is_told = (pl.col("posting") == "return") & (minor["total"] != minor["revenue"])
    return pl.when(pl.col("posting").is_not_null() & ~is_told.fill_null(False)).then(minor["total"])
