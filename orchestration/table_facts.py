"""What the UI shows of a table that was built: rows and money of each day, to be read and plotted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import duckdb
from dagster._core.execution.context.metadata_logging import AssetMetadataHandle, OutputMetadataAccumulator

from ingestion.books import region_file
from operations.finance_tables.measures import Measures, last_days_in_words, measures, of_day
from operations.publishing.expectation_gate import folder
from operations.store.versions import current_version, version_dir
from settings import RomiError, Settings

_GUIDES = (
    "`docs/finance.md` says what the figures mean, `docs/operations.md` what to do about a withheld day or a failed"
    " check, `docs/bi.md` how to read them from other tools."
)


def as_metadata(found: Measures) -> dict[str, Any]:
    """A day's measures; money as floats, since only those are plotted, and nothing is computed from them."""
    totals = {name: float(value) if isinstance(value, Decimal) else int(value) for name, value in found.totals.items()}
    return {"dagster/partition_row_count": found.rows, "rows": found.rows, **totals}


def add_facts(context: dg.AssetExecutionContext, settings: Settings, windows: Iterable[tuple[str, date, date]]) -> None:
    """Add to each table that this run builds what it holds now, and to each of its days what that day holds."""
    keys = [key for key in context.selected_asset_keys if key.path[0] != "raw"]
    if not keys:
        return
    partitions = [key.partition("|") for key in context.partition_keys]
    for region in sorted({region for region, *_ in windows}):
        days = sorted(date.fromisoformat(day) for day, _, where in partitions if where == region)
        with region_file(settings, region, read_only=True) as con:
            counts = {
                (schema, name): con.execute(f'select count(*) from "{schema}"."{name}"').fetchall()[0][0]
                for schema, name in con.execute("select schema_name, table_name from duckdb_tables()").fetchall()
                if dg.AssetKey([schema, name]) in keys
            }
            found = {key: measures(con, key.path[-1], days[0], days[-1]) for key in keys if tuple(key.path) in counts}
        of_days = {
            (key, f"{day}|{region}"): as_metadata(here)
            for key in found for day in days if (here := of_day(found[key], day))
        }  # fmt: skip
        _add_to_partitions(context, of_days)
        for key in found:
            context.add_asset_metadata({f"rows in {region}": counts[(key.path[0], key.path[1])]}, key)


def _add_to_partitions(
    context: dg.AssetExecutionContext, added: Mapping[tuple[dg.AssetKey, str], dict[str, Any]]
) -> None:
    """What ``add_asset_metadata`` does for one partition of a table, for many of them.

    It lists all partitions of the run each time it is asked, and copies what was added before.
    """
    step = context.get_step_execution_context()
    told = dict(step._metadata_accumulator.per_output_metadata)
    for (key, partition), metadata in added.items():
        handle = AssetMetadataHandle(asset_key=key, partition_key=partition)
        told[handle] = {**told.get(handle, {}), **metadata}
    step._metadata_accumulator = OutputMetadataAccumulator(per_output_metadata=told)


def rows_of_regions(settings: Settings, schema: str, names: Iterable[str]) -> dict[str, dict[str, int]]:
    """By table and region, the rows that the regions' files hold; a region that cannot be read now is left out."""
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    for region in settings.known_regions():
        if not settings.region_file(region).exists():
            continue
        with suppress(RomiError), region_file(settings, region, read_only=True) as con:
            for name in found:
                found[name][region] = con.execute(f'select count(*) from "{schema}"."{name}"').fetchall()[0][0]
    return found


def backlog_seen(region: str, topics: dict[str, dict[str, Any]]) -> dg.AssetObservation:
    """What waits in a region, on the page of the backlog's history: there Dagster plots each number over time."""
    sums = {name: sum(one[name] for one in topics.values()) for name in ("archives", "records")}
    oldest = max((one["oldest_age_seconds"] or 0 for one in topics.values()), default=0)
    return dg.AssetObservation(
        asset_key=dg.AssetKey(["ops", "backlog_history"]),
        metadata={
            **{f"{name} that wait in {region}": amount for name, amount in sums.items()},
            f"hours that the oldest has waited in {region}": round(oldest / 3600, 2),
        },
    )


def of_version(settings: Settings) -> dict[str, Any]:
    """Of what is published now: the last days to read, its money to plot, and where a reader goes from there."""
    current = current_version(settings)
    if current is None:
        return {}
    place = version_dir(settings, current)
    with duckdb.connect(str(place / "marts.duckdb"), read_only=True) as con:
        words = last_days_in_words(con)
        money = con.execute("select sum(net_revenue), sum(margin) from finance.orders_daily").fetchall()[0]
        [spend] = con.execute("select sum(spend) from finance.spend_daily").fetchall()[0]
    totals = zip(("net_revenue", "margin", "spend"), (*money, spend), strict=True)
    pages = {
        "report": settings.warehouse / "report" / "report.html",
        "data_docs": folder(settings) / "data_docs" / "index.html",
    }
    return {
        "version": current,
        "last_days": dg.MetadataValue.md(words),
        **{name: float(total or 0) for name, total in totals},
        **{name: dg.MetadataValue.path(str(path.absolute())) for name, path in pages.items() if path.exists()},
        "guides": dg.MetadataValue.md(_GUIDES),
    }
