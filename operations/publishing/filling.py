"""The tables of a version being built: the regions' rows, those of closed months, and what is booked of changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from operations.finance_tables.data_quality import count_withheld_days
from operations.finance_tables.incremental import fill_incremental
from operations.finance_tables.published_tables import COLUMNS, CONTRACT, OF_REGIONS, Columns, dictionary
from operations.finance_tables.restatements import book_restatements, note_builds
from operations.finance_tables.version_tables import Source, create_tables, fill
from operations.publishing.closed_months import (
    Closed,
    adjust,
    note_reopened,
    show_locked_incremental,
    show_locked_rows,
)
from operations.switches import in_words
from settings import Settings


def fill_version(
    con: duckdb.DuckDBPyConnection, settings: Settings, version: int, built_at: datetime, sources: dict[str, Source],
    shown: dict[str, Any] | None, last: Columns,
) -> None:  # fmt: skip
    """Fill all tables but those that speak of the moment of building.

    Args:
        con: the version's file, with the current version attached as ``last_good`` where there is one.
        shown: the manifest of the current version; None where there is none.
        last: the columns of the current version's tables.
    """
    _fill_tables(con, settings, version, built_at, sources, last)
    closed = Closed.of(settings)
    show_locked_rows(con, closed)
    builds = {region: source.builds for region, source in sources.items() if source.builds is not None}
    note_builds(con, shown["regions"] if shown else {}, builds)
    if shown is not None:
        note_reopened(con, closed, last)
        book_restatements(con, version, settings.attribution.longest_lookback_days, last)
    adjust(con, settings, version, closed, sources, last)
    fill_incremental(con, settings.privacy.release_model)
    show_locked_incremental(con, closed)


def _fill_tables(
    con: duckdb.DuckDBPyConnection, settings: Settings, version: int, built_at: datetime, sources: dict[str, Source],
    last: Columns,
) -> None:  # fmt: skip
    create_tables(con)
    for region, source in sources.items():
        if source.state:
            for table in OF_REGIONS:
                fill(con, settings, table, region, source, last)
            count_withheld_days(con, region, source.state.withheld_days)
            con.execute(
                "insert into meta.versions values (?, ?, ?, ?, ?, ?, ?, ?)",
                [version, built_at, region, source.state.input_watermark, len(source.state.withheld_days),
                 source.state.carried_over, CONTRACT, in_words(settings, region)],
            )  # fmt: skip
    described = pl.DataFrame(dictionary(), schema=list(COLUMNS.columns), orient="row").to_arrow()
    con.register("described", described)
    con.execute("insert into meta.columns by name from described")
