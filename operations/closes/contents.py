"""What a lock holds: figures, configuration, inputs by hash, report and workbook; and what its manifest says."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ingestion.books import meta, region_file
from operations.beside import figures_of
from operations.closes.locks import Lock, figures_name, month_name, next_month, place_of
from operations.finance_tables.published_tables import ADJUSTMENTS, LOCKED, Table, in_sql
from operations.finance_tables.version_tables import quoted
from operations.store.memory.marks import content_of
from operations.store.versions import current_version, read_manifest, version_dir
from settings import Settings, UsageError
from settings.durable import write_json

FORMAT = "ROMI monthly close 1"
CONFIGURATION, INPUTS, SET_ASIDE = "configuration.json", "inputs.parquet", "set_aside.parquet"
REPORT, WORKBOOK = "report.html", "workbook.xlsx"
_INPUTS = """
    select $region as region, kind, name, sha256, size_bytes as bytes, records, loaded_at
    from ops.archives where state = 'loaded'
    qualify row_number() over (partition by kind, name order by archive_id desc) = 1  -- it replaces earlier ones
    order by kind, name"""
# By hash: an order's id is nothing to keep for good.
_SET_ASIDE = """
    select $region as region, sha256(quarantine.order_id) as order_sha256, name as archive, record_offset
    from ops.quarantine left join ops.archives using (archive_id) where released_at is null"""


def locked_days(settings: Settings, month: date, earlier: list[Lock]) -> dict[str, tuple[date, date]]:
    """The periods that a close of the month locks, by table: every one that has periods.

    A day of touches is credited with orders up to the look-back window after it, so it is closed with the month in
    which that ends: it can then hold orders of closed months alone.
    """
    last = next_month(month) - timedelta(days=1)
    days = {}
    for table in LOCKED:
        if table.is_by_touch:
            days[table.name] = _touch_days(settings, table, month, last, earlier)
        elif table.period:
            days[table.name] = (month, month if table.period == "month" else last)
    return days


def _touch_days(
    settings: Settings, table: Table, month: date, last: date, earlier: list[Lock]
) -> tuple[date, date]:  # fmt: skip
    window = timedelta(days=settings.attribution.longest_lookback_days + 1)
    first_day, last_day = month - window, last - window
    for lock in earlier:
        if not lock.is_in_force or not (days := lock.days(table)):
            continue
        after = days[1] + timedelta(days=1)
        if next_month(lock.month) == month:
            first_day = after  # no day is left out between, though the look-back window may have been another
        elif lock.month < month:
            first_day = max(first_day, after)
        else:
            last_day = min(last_day, days[0] - timedelta(days=1))
    return first_day, last_day


def write_contents(settings: Settings, month: date, work: Path, earlier: list[Lock]) -> dict[str, Any]:
    """Write all that is locked of the current version into `work`; returns what the manifest says of it."""
    current = current_version(settings)
    assert current is not None
    folder, days = version_dir(settings, current), locked_days(settings, month, earlier)
    shown = read_manifest(settings, current)
    totals = _write_figures(folder, month, days, work)
    write_json(work / CONFIGURATION, figures_of(settings))
    rules = _write_inputs(settings, sorted(shown["regions"]), work)
    _write_documents(folder, month, work)
    files = {str(path.relative_to(work)): path for path in sorted(work.rglob("*")) if path.is_file()}
    return {
        "format": FORMAT, "month": month_name(month), "version": current, "contract": shown["contract"],
        "currency": shown["currency"], "days": {name: [str(one) for one in pair] for name, pair in days.items()},
        "regions": {
            region: {"input_watermark": state["input_watermark"], "build": state["build"], "rules": rules.get(region)}
            for region, state in shown["regions"].items()
        },
        "totals": totals, "software": installed("romi-warehouse"),
        "limits": settings.close.model_dump(mode="json"),
        "before": {place_of(lock.folder): lock.sha256 for lock in earlier},
        "files": {name: {"bytes": path.stat().st_size, "sha256": content_of(path)} for name, path in files.items()},
    }  # fmt: skip


def _write_figures(
    folder: Path, month: date, days: dict[str, tuple[date, date]], work: Path
) -> dict[str, dict[str, str]]:  # fmt: skip
    """The version's rows of the month; returns each region's totals, as text to the cent."""
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        for table in LOCKED:
            if table.name in days:
                first, last = days[table.name]
                _copy(con, table, f"{table.period} between '{first}' and '{last}'", work)
        _copy(con, ADJUSTMENTS, f"booked_month = '{month}'", work)
        totals = con.execute(
            """
            select region, coalesce(any_value(spend), 0) as spend, coalesce(sum(orders), 0) as orders,
                coalesce(sum(revenue), 0) as revenue, coalesce(sum(refunds), 0) as refunds,
                coalesce(sum(net_revenue), 0) as net_revenue, coalesce(sum(cogs), 0) as cogs,
                coalesce(sum(margin), 0) as margin
            from (from finance.orders_daily where date_trunc('month', date) = $month)
            full join (
                select region, sum(spend) as spend from finance.spend_daily
                where date_trunc('month', date) = $month group by region) as cost using (region)
            group by region order by region""",
            {"month": month},
        )
        names = [one[0] for one in totals.description or ()]
        return {row[0]: dict(zip(names[1:], map(str, row[1:]), strict=True)) for row in totals.fetchall()}


def _copy(con: duckdb.DuckDBPyConnection, table: Table, which: str, work: Path) -> None:
    target = work / figures_name(table)
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = f"from {table} where {which} order by {in_sql(table.grain)}"
    con.execute(f"copy ({rows}) to {quoted(target)} (format parquet, compression zstd)")


def _write_inputs(settings: Settings, regions: list[str], work: Path) -> dict[str, str | None]:
    """What the figures were made of, by hash; returns the rules that each region's tables were built by."""
    rules: dict[str, str | None] = {}
    inputs, aside = [], []
    for region in regions:
        if not settings.region_file(region).is_file():
            continue
        with region_file(settings, region, read_only=True) as con:
            rules[region] = meta(con, "rules")
            inputs.append(pl.from_arrow(con.execute(_INPUTS, {"region": region}).to_arrow_table()))
            aside.append(pl.from_arrow(con.execute(_SET_ASIDE, {"region": region}).to_arrow_table()))
    for name, frames in ((INPUTS, inputs), (SET_ASIDE, aside)):
        found = pl.concat([one for one in frames if isinstance(one, pl.DataFrame)])
        found.write_parquet(work / name)
    return rules


def _write_documents(folder: Path, month: date, work: Path) -> None:
    from operations.reports.report import write_report
    from operations.reports.workbook import write_workbook

    with suppress(UsageError):  # there is nothing to report of a month that nothing is published of
        write_report(folder, work / REPORT, month=month)
        write_workbook(folder, work / WORKBOOK, month=month)
