"""Rows that a connector has kept although they are gone at their source."""

from __future__ import annotations

import polars as pl

from ingestion.sources.tabular import cells
from ingestion.sources.tabular.table import Table

# Fivetran, Hevo, Debezium, Airbyte, Stitch: some say that a row was deleted, others when.
_SAY_SO = ("_fivetran_deleted", "__hevo__marked_deleted", "__deleted")
_SAY_WHEN = ("_ab_cdc_deleted_at", "_sdc_deleted_at")
MARKS = (*_SAY_SO, *_SAY_WHEN)
_YES = ("true", "t", "1", "1.0", "yes", "y")


def without_worth(table: Table) -> None:
    """Leave rows that are gone worth nothing: cost of 0, or an order that is cancelled.

    They stay rows, since what an earlier file says of the campaign's day or the order no longer holds.
    """
    is_gone = _are_gone(table)
    if is_gone is None:
        return
    worth = {"spend": "0", "cost_micros": "0", "impressions": "0", "clicks": "0", "status": "cancelled"}
    places = {str(place): text for name, text in worth.items() if (place := table.known.place(name)) is not None}
    table.frame = table.frame.with_columns(
        pl.when(is_gone).then(pl.lit(text)).otherwise(pl.col(place)).alias(place) for place, text in places.items()
    )


def _are_gone(table: Table) -> pl.Series | None:
    """Null where no row is; a column `deleted` is none of a connector's, so that names are compared as they stand."""
    names = [(place, name.lower()) for place, name in enumerate(table.known.header.names)]
    found = [table.raw(place).str.strip_chars().str.to_lowercase().is_in(_YES).fill_null(False)
             for place, name in names if name in _SAY_SO]  # fmt: skip
    found += [cells.texts(table.raw(place)).is_not_null() for place, name in names if name in _SAY_WHEN]
    said = [one for one in found if one.any()]
    return pl.select(pl.any_horizontal(*said)).to_series() if said else None
