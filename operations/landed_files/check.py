"""Read one table without loading it, and say what was understood."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.money import MINOR_UNITS
from ingestion.records import naive_utc
from ingestion.sources.ledger import known_statuses, read_ledger
from ingestion.sources.spend import read_spend
from ingestion.sources.tabular.grids import UnreadableTableError
from ingestion.sources.tabular.read import Context, Read, expected_of
from ingestion.sources.tabular.recognise import Parts
from ingestion.sources.tabular.table import Table, read_table
from privacy.keys import Key
from settings import Settings, UsageError, now

_ROWS, _REFUSED = 5, 100  # shown
_SHOWN = {
    "spend": ("spend_on", "campaign_id", "campaign_name", "channel", "impressions", "clicks", "currency"),
    "ledger": ("order_id", "ordered_at", "status", "currency", "updated_at"),
}


def check(settings: Settings, file: Path, source: str | None, region: str | None) -> dict[str, Any]:
    """Read a file as the source that its folders name, or as `source`.

    Returns:
        ``source``, ``preset``, ``tool``, ``columns`` (ours: theirs), ``rows`` (the first ones as they would be loaded),
        ``totals`` by day and currency, ``counts`` of rows by what becomes of them, ``refused`` with line and reason,
        ``unread_sheets`` of a workbook, and for a ledger ``status_words`` (theirs: ours).

    Raises:
        UsageError: nothing says which source it is of.
        UnreadableTableError: it is not understood; the message says what to change.
    """
    name = source or _source_of(file)
    kind = name.partition("/")[0]
    home = region or _region_of(settings, file)
    zone = settings.region(home).timezone if home else "UTC"
    # Nothing is kept, so the pseudonyms that stand for what looks like a person need no key of the region.
    context = Context(
        Key(home or "check", "pseudonym", bytes(32)), zone, settings.retention.ledger_days, naive_utc(now())
    )
    table = _table(file, kind, name, settings)
    read = (read_spend if kind == "spend" else read_ledger)(table, context)
    header = table.known.header.names
    return {
        "source": name, "preset": table.known.preset.name, "tool": table.known.preset.tool,
        "columns": {ours: _theirs(header, place) for ours, place in table.known.places.items()},
        "rows": _first_rows(read, kind), "totals": _totals(read, kind, zone), "counts": _counts(read),
        "unread_sheets": list(table.known.unread_sheets),
        "status_words": known_statuses(table) if kind == "ledger" else {},
        "refused": [
            {"line": line, "reason": reason, "column": column, "expected": expected_of(reason, name)}
            for line, reason, column in read.refused.select("line", "reason", "column_name").head(_REFUSED).iter_rows()
        ],
    }  # fmt: skip


def _table(file: Path, kind: str, name: str, settings: Settings) -> Table:
    try:
        return read_table(file, kind, name, settings.source(name))
    except UnreadableTableError as error:
        raise UnreadableTableError(f"{file} is not read: {error.problem}") from error


def _source_of(file: Path) -> str:
    parts = file.resolve().parts
    if "spend" in parts[:-2]:
        return f"spend/{parts[len(parts) - parts[::-1].index('spend')]}"
    if "ledger" in parts[:-1]:
        return "ledger"
    raise UsageError(f"nothing says what {file.name} is: say --as ledger, or --as spend/<platform>")


def _region_of(settings: Settings, file: Path) -> str | None:
    known = settings.regions or {}
    return next((part for part in reversed(file.resolve().parts) if part in known), None)


def _theirs(header: list[str], place: int | Parts) -> str:
    if isinstance(place, int):
        return header[place]
    plus = " + ".join(header[one] for one in place.plus)
    return plus + "".join(f" - {header[one]}" for one in place.minus)


def _money(minor: int | None, currency: str) -> str | None:
    return None if minor is None else f"{Decimal(minor).scaleb(-MINOR_UNITS[currency]):f}"


def _first_rows(read: Read, kind: str) -> list[dict[str, Any]]:
    amounts = ("spend",) if kind == "spend" else ("revenue", "refunded", "cogs")
    return [
        {"line": row["line"], **{name: row[name] for name in _SHOWN[kind]},
         **{name: _money(row[f"{name}_minor"], row["currency"]) for name in amounts}}
        for row in read.rows.head(_ROWS).to_dicts()
    ]  # fmt: skip


def _totals(read: Read, kind: str, zone: str) -> list[dict[str, Any]]:
    minor = "spend_minor" if kind == "spend" else "revenue_minor"
    local = pl.col("ordered_at").dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date()
    day = pl.col("spend_on") if kind == "spend" else local
    summed = read.rows.group_by(day.alias("day"), "currency").agg(pl.col(minor).sum(), pl.len().alias("rows"))
    return [
        {"day": str(on), "currency": currency, "amount": _money(amount, currency), "rows": rows}
        for on, currency, amount, rows in summed.sort("day", "currency").iter_rows()
    ]


def _counts(read: Read) -> dict[str, int]:
    found = {
        "rows loaded": len(read.rows), "rows equal to others or extracted again": read.duplicates,
        "rows past the ledger's period": read.expired, "rows refused": len(read.refused),
        "total lines left out": read.table.totals,
        "rows only of firsts of months or of one day of the week, as sums of months or weeks are":
            sum(read.coarse.values()),
        "odd optional cells that count as absent": sum(read.table.odd.values()),
    }  # fmt: skip
    return {what: count for what, count in found.items() if count or what == "rows loaded"}
