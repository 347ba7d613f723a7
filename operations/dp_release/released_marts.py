"""`released.duckdb`: what is for anyone, put together from the regions' budget books."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ingestion.books import transaction
from operations.dp_release.releases import budget_book, in_force
from operations.finance_tables.published_tables import Table
from privacy.release import CHANNELS, TOTAL
from settings import PermanentError, Settings

_EPSILON = Decimal("0.000001")
_NAME, _MONEY, _ORDERS = "VARCHAR", "DECIMAL(18,2)", "DECIMAL(18,6)"
CHANNEL_MONTHLY = Table("released", "channel_monthly", ("month", "region", "channel"), {
    "month": "DATE", "region": _NAME, "channel": _NAME,
    "conversions": _ORDERS, "conversions_half_width": _ORDERS,
    "net_revenue": _MONEY, "net_revenue_half_width": _MONEY,
    "release": _NAME, "epsilon": "DECIMAL(18,6)", "note": _NAME,
})  # fmt: skip
VERSIONS = Table("meta", "versions", ("region",), {
    "version": "BIGINT", "built_at": "TIMESTAMP", "region": _NAME, "first_month": "DATE", "last_month": "DATE",
})  # fmt: skip
_DESCRIBED = ("schema_name", "table_name", "column_name", "meaning", "unit", "source")
COLUMNS = Table("meta", "columns", _DESCRIBED[:3], dict.fromkeys(_DESCRIBED, _NAME))
RELEASED = (CHANNEL_MONTHLY, VERSIONS, COLUMNS)

_DRAWN, _BOOK = "one draw of OpenDP's discrete Laplace noise, stored", "the region's budget book"
_MEANINGS = {
    str(CHANNEL_MONTHLY): {
        "month": ("First day of the calendar month, in the region's time zone", "date", "accounting date of the order"),
        "region": ("Region, a code of the configuration", "text", "the folder of the landing zone"),
        "channel": (f"One of a fixed list, empty ones too; {TOTAL} is the whole region and the sum of the others",
                    "text", "GA4's channel groups"),
        "conversions": ("Orders of known persons, credited, each person's month bounded, with noise; may be negative",
                        "orders", _DRAWN),
        "conversions_half_width": ("The bounded truth lies within this of conversions in 95 of 100 draws", "orders",
                                   "the noise, least squares and rounding"),
        "net_revenue": ("Revenue less refunds of the same orders, each person's month bounded, with noise;"
                        " may be negative", "reporting currency", _DRAWN),
        "net_revenue_half_width": ("The bounded truth lies within this of net_revenue in 95 of 100 draws",
                                   "reporting currency", "the noise, least squares and rounding"),
        "release": ("first, or correction where late data moved the month beyond the noise", "text", _BOOK),
        "epsilon": ("What was spent on this region's month in all, a correction that did not stand included", "epsilon",
                    _BOOK),
        "note": ("What is left out, and the currency and attribution model at the draw", "text", _BOOK),
    },
    str(VERSIONS): {
        "version": ("Number of the published version", "count", "publish"),
        "built_at": ("Moment at which the version was built", "UTC", "publish"),
        "region": ("Region, a code of the configuration", "text", "the folder of the landing zone"),
        "first_month": ("First released month", "date", _BOOK),
        "last_month": ("Last released month", "date", _BOOK),
    },
    str(COLUMNS): {
        "schema_name": ("Schema of the column's table", "text", "the contract"),
        "table_name": ("Table of the column", "text", "the contract"),
        "column_name": ("The column", "text", "the contract"),
        "meaning": ("What the column says", "text", "the contract"),
        "unit": ("What the column is counted in", "text", "the contract"),
        "source": ("Where the column's values come from", "text", "the contract"),
    },
}  # fmt: skip


def write_released(folder: Path, settings: Settings, version: int, built_at: datetime) -> dict[str, int]:
    """Write ``released.duckdb`` and its table as Parquet into a version's work folder.

    Returns:
        The number of released rows, by table.
    """
    monthly = list(_rows(settings))
    months: dict[str, list[Any]] = {}
    for row in monthly:
        months.setdefault(row[1], []).append(row[0])
    versions = [(version, built_at, region, min(found), max(found)) for region, found in sorted(months.items())]
    rows = dict(zip(map(str, RELEASED), (monthly, versions, dictionary()), strict=True))
    target = folder / "parquet" / CHANNEL_MONTHLY.schema / f"{CHANNEL_MONTHLY.name}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        # Opened by itself the file's name would be that of its schema, and DuckDB could not tell which is meant.
        con.execute(f"attach {_quoted(folder / 'released.duckdb')} as made; use made")
        with transaction(con):
            for table in RELEASED:
                columns = ", ".join(f"{name} {type_}" for name, type_ in table.columns.items())
                con.execute(f"create schema if not exists {table.schema}; create table {table} ({columns})")
                # As text, which the table's types take exactly; a statement a row would take longest of all.
                cells = [[None if cell is None else str(cell) for cell in row] for row in rows[str(table)]]
                con.register("found", pl.DataFrame(cells, schema=dict.fromkeys(table.columns, pl.String), orient="row"))
                con.execute(f"insert into {table} from found")
                con.unregister("found")
        ordered = f"from {CHANNEL_MONTHLY} order by {', '.join(CHANNEL_MONTHLY.grain)}"
        con.execute(f"copy ({ordered}) to {_quoted(target)} (format parquet, compression zstd)")
        con.execute("use memory; detach made")
    return {str(CHANNEL_MONTHLY): len(monthly)}


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def released_state(settings: Settings) -> str:
    """Changes when, and only when, what :func:`write_released` would write does; for publish's fingerprint."""
    rows = [[str(value) for value in row] for row in (*_rows(settings), *dictionary())]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def dictionary() -> list[tuple[Any, ...]]:
    """A row of ``meta.columns`` for each column of the file."""
    return [(table.schema, table.name, column, *_MEANINGS[str(table)][column]) for table in RELEASED
            for column in table.columns]  # fmt: skip


def _rows(settings: Settings) -> Iterator[tuple[Any, ...]]:
    """The rows of ``released.channel_monthly``, from the books alone: a rebuilt warehouse gives the same.

    A region whose book cannot be read keeps the rows of the current version, and holds back no other.
    """
    for path in sorted((settings.warehouse / "books").glob("*/release.jsonl")):
        region = path.parent.name
        try:
            rows = list(_region_rows(settings, region))
        except PermanentError:
            rows = _last_good(settings, region)
        yield from rows


def _last_good(settings: Settings, region: str) -> list[tuple[Any, ...]]:
    path = settings.published.resolve() / "released.duckdb"
    if not path.is_file():
        return []
    with duckdb.connect() as con:
        con.execute(f"attach {_quoted(path)} as last_good (read_only)")
        return con.execute(f"from last_good.{CHANNEL_MONTHLY} where region = ? order by rowid", [region]).fetchall()


def _region_rows(settings: Settings, region: str) -> Iterator[tuple[Any, ...]]:
    book = budget_book(settings, region)
    for draw in in_force(book.draws()):
        result, spent = draw.result, book.spent(draw.month)
        note = f"Orders without a person are left out. {result['currency']}, {result['model']} attribution."
        for channel in (TOTAL, *CHANNELS):
            figures: list[Decimal] = []
            for measure, digits in (("conversions", 6), ("net_revenue", 2)):
                of_channels, widths = result["channels"][measure], result["half_widths"][measure]
                figure = result["totals"][measure] if channel == TOTAL else of_channels[channel]
                half_width = widths["total" if channel == TOTAL else "channels"]
                figures += [Decimal(figure).scaleb(-digits), Decimal(half_width).scaleb(-digits)]
            yield draw.month, region, channel, *figures, draw.release, spent.quantize(_EPSILON), note
