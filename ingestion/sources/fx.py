"""Reference rates: the ECB's file as it is published, a row a day and a column a currency."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from ingestion.money import MINOR_UNITS, RATES_E8
from ingestion.sources.tabular import cells, numbers
from ingestion.sources.tabular.grids import Grid, UnreadableTableError, grids
from ingestion.sources.tabular.headers import Header
from ingestion.sources.tabular.read import REFUSED
from ingestion.sources.tabular.table import without_blanks
from ingestion.zone import File
from settings import Source

ROWS = pl.Schema({"rate_on": pl.Date(), "currency": pl.String(), "rate_e8": pl.Int64()})
_E8 = 10 ** (numbers.SCALE - 8)


@dataclass
class Rates:
    """The rates of a file: `rows` of :data:`ROWS`, the latest line of a day and currency."""

    rows: pl.DataFrame
    refused: pl.DataFrame  # rows whose day cannot be read
    records: int
    frame: pl.DataFrame  # the file's cells as text
    odd: dict[str, int] = field(default_factory=dict)  # cells that are no rate, by column


def read_rates(path: File) -> Rates:
    """Read the rates, in units per 1 EUR times 10^8; a cell that is no rate costs that cell alone.

    Raises:
        UnreadableTableError: it is not a table with a column ``Date``.
    """
    grid, header = _found(path)
    frame = without_blanks(grid.rows())
    day_place = str(header.places("Date")[0])
    days = cells.dates(cells.texts(frame[day_place]), ())
    currencies = {name.upper(): place for place, name in enumerate(header.names) if name.upper() in MINOR_UNITS}
    odd: dict[str, int] = {}
    columns: list[pl.DataFrame] = []
    for currency, place in currencies.items():
        text = cells.texts(frame[str(place)])
        amount, problems = numbers.amounts(text, None)
        rate = amount.to_frame("amount").select(_e8(pl.col("amount"))).to_series()
        is_odd = problems.is_not_null() | ~rate.is_between(*RATES_E8).fill_null(True)
        if is_odd.any():
            odd[currency] = int(is_odd.sum())
        read = pl.DataFrame({"rate_on": days, "rate_e8": rate, "is_odd": is_odd, "line": frame["line"]})
        read = read.filter(pl.col("rate_on").is_not_null() & pl.col("rate_e8").is_not_null() & ~pl.col("is_odd"))
        columns.append(read.select("line", "rate_on", pl.lit(currency).alias("currency"), "rate_e8"))
    rates = pl.concat(columns).sort("line") if columns else ROWS.to_frame().with_columns(line=pl.lit(0))
    is_bad = days.is_null()
    nowhere = pl.lit(None, pl.Date)
    refused = frame.filter(is_bad).select(
        "line", pl.lit("invalid_timestamp").alias("reason"), pl.lit(header.names[int(day_place)]).alias("column_name"),
        nowhere.alias("day"), nowhere.alias("until"),
    ).cast(REFUSED)  # fmt: skip
    latest = rates.unique(["rate_on", "currency"], keep="last", maintain_order=True).select(ROWS.names())
    return Rates(latest, refused, len(frame), frame, odd)


def _e8(amount: pl.Expr) -> pl.Expr:
    whole = amount // _E8
    twice = (amount - whole * _E8) * 2
    goes_up = (twice > _E8) | ((twice == _E8) & (whole % 2 != 0))
    return (whole + goes_up.cast(pl.Int128)).cast(pl.Int64)


def _found(path: File) -> tuple[Grid, Header]:
    for grid in grids(path, Source()):
        header = Header(grid.names)
        if header.places("Date") and any(name.upper() in MINOR_UNITS for name in header.names):
            return grid, header
    raise UnreadableTableError(
        "columns missing: Date and currencies; land the ECB's file as it is published (Date,USD,JPY,…)"
    )
