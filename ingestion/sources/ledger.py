"""The ledger: a table's rows as orders, the truth about money."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl

from ingestion.boundary import order_number
from ingestion.money import MINOR_UNITS
from ingestion.sources.tabular import cells, numbers
from ingestion.sources.tabular.read import REFUSED, Context, Read
from ingestion.sources.tabular.table import Table

STATUSES = ("completed", "refunded", "partially_refunded", "cancelled")
ROWS = pl.Schema({
    "line": pl.Int64(), "order_id": pl.String(), "ordered_at": pl.Datetime("us"), "status": pl.String(),
    "revenue_minor": pl.Int64(), "refunded_minor": pl.Int64(), "cogs_minor": pl.Int64(), "currency": pl.String(),
    "updated_at": pl.Datetime("us"),
})  # fmt: skip
_OPTIONAL = ("refunded", "cogs")


def read_ledger(table: Table, context: Context) -> Read:
    """Read every row: its money exactly, or why it is refused. Rows past the ledger's retention are `expired`."""
    ordered_at, ordered_text = table.moments("ordered_at", context.timezone)
    table.without(table.undated_totals(ordered_text.is_null()))
    ordered_at, ordered_text = table.moments("ordered_at", context.timezone)
    updated_at, updated_text = table.moments("updated_at", context.timezone)
    status, status_text = _status(table)
    texts = {"order_id": table.text("order_id"), "currency": table.currency()}
    verdicts = table.verdicts(texts.items())
    revenue, problems = table.amount("revenue")
    optional = table.known.preset.optional
    said = revenue.cast(pl.String).fill_null(problems)
    present = {"order_id": texts["order_id"], "ordered_at": ordered_text, "status": status_text, "revenue": said,
               "currency": texts["currency"], "updated_at": updated_text}  # fmt: skip
    for name, values in present.items():
        if name not in optional:
            verdicts.refuse_where(values.is_null(), "missing_field", table.named(name))
    ids, imprecise = cells.identifiers(texts["order_id"])
    verdicts.refuse(imprecise, table.named("order_id"))
    verdicts.refuse_where(status.is_null(), "unknown_status", table.named("status"))
    verdicts.refuse_where(ordered_at.is_null(), "invalid_timestamp", table.named("ordered_at"))
    verdicts.refuse_where(
        updated_text.is_not_null() & updated_at.is_null(), "invalid_timestamp", table.named("updated_at")
    )
    verdicts.refuse(problems, table.named("revenue"))
    verdicts.refuse_where((revenue < 0).fill_null(False), "invalid_money", table.named("revenue"))
    known = list(MINOR_UNITS)
    verdicts.refuse_where(~texts["currency"].is_in(known).fill_null(True), "unknown_currency", table.named("currency"))
    is_good = verdicts.reason.is_null()
    zone = ZoneInfo(context.timezone)
    day = ordered_at.dt.replace_time_zone("UTC").dt.convert_time_zone(str(zone)).dt.date()
    frame = pl.DataFrame({
        "line": table.frame["line"], "order_id": ids, "ordered_at": ordered_at, "status": status,
        "revenue": revenue, **{name: _optional(table, name) for name in _OPTIONAL},
        "currency": texts["currency"], "updated_at": updated_at.fill_null(ordered_at),
    })  # fmt: skip
    refused = pl.DataFrame({
        "line": frame["line"], "reason": verdicts.reason, "column_name": verdicts.column, "day": day, "until": day,
    }, schema=REFUSED).filter(~is_good)  # fmt: skip
    kept = frame.filter(is_good)
    is_current = kept["ordered_at"] >= context.now - timedelta(days=context.ledger_days)
    rows = _masked(kept.filter(is_current), context)
    return Read(table, rows, refused, expired=len(kept) - len(rows))


def _status(table: Table) -> tuple[pl.Series, pl.Series]:
    """Each row's status in our words, and its text; where the export has none, a row is a completed order."""
    if table.known.place("status") is None:
        done = pl.repeat("completed", len(table.frame), dtype=pl.String, eager=True)
        return done, done
    words = {name: name for name in STATUSES} | dict(table.known.preset.status)
    words |= {theirs.lower(): ours for theirs, ours in table.source.status.items()}
    text = table.text("status")
    return cells.by_distinct(text, lambda word: words.get(word.lower()), pl.String()), text


def _optional(table: Table, name: str) -> pl.Series:
    """An amount that may be absent; an odd one is, and counts as noted."""
    found, problems = table.amount(name)
    is_odd = problems.is_not_null() | (found < 0).fill_null(False)
    table.note(name, int(is_odd.sum()))
    return found.zip_with(~is_odd, pl.repeat(None, len(found), dtype=pl.Int128, eager=True))


def _masked(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    minor = {name: numbers.to_minor(frame[name], frame["currency"]) for name in ("revenue", *_OPTIONAL)}
    return frame.with_columns(
        cells.by_distinct(frame["order_id"], lambda text: order_number(text, context.key), pl.String()),
        minor["revenue"].alias("revenue_minor"),
        minor["refunded"].fill_null(0).alias("refunded_minor"),
        minor["cogs"].alias("cogs_minor"),
    ).select(ROWS.names())
