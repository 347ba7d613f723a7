"""Spend, ledger and reference rates: CSV or Parquet, kept row by row in the same books as events."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from ingestion import parquet
from ingestion.boundary import order_number
from ingestion.campaigns import campaign_number
from ingestion.compression import CorruptArchiveError
from ingestion.money import MINOR_UNITS, parse_amount, to_minor
from ingestion.records import DeadLetter, naive_utc
from ingestion.zone import File
from privacy.keys import Key
from privacy.redaction import redact

Row = dict[str, str]
_STATUSES = ("completed", "refunded", "partially_refunded", "cancelled")
# A platform's own export columns, as they are, for ours.
_SPEND_ALIASES = {
    "segments.date": "date", "date_start": "date",
    "customer.currency_code": "currency", "account_currency": "currency",
    "campaign.id": "campaign_id", "campaign.name": "campaign_name",
    "metrics.impressions": "impressions", "metrics.clicks": "clicks", "metrics.cost_micros": "cost_micros",
}  # fmt: skip
_REQUIRED = {
    "spend": ({"date"}, {"campaign_id", "campaign_name"}, {"spend", "cost_micros"}, {"currency"}),
    "ledger": tuple({name} for name in ("order_id", "ordered_at", "status", "revenue", "currency", "updated_at")),
    "fx": ({"Date"},),
}  # fmt: skip


_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?", re.ASCII)


class UnreadableTableError(Exception):
    """The file is no table of its kind; `problem` says why in one line."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


@dataclass(frozen=True)
class Context:
    """What reading a row needs to know of its region."""

    key: Key
    timezone: str
    ledger_days: int
    now: datetime  # UTC, naive


def read_rows(path: File, kind: str) -> Iterator[tuple[int, Row]]:
    """Rows by column name with their line numbers (a CSV's header is line 1); blank rows are no rows.

    Raises:
        UnreadableTableError: a required column is missing, or it is no CSV or no whole Parquet.
    """
    if not parquet.is_parquet(path):
        yield from _csv_rows(path, kind)
        return
    try:
        header = parquet.columns(path)
        _check_columns({_SPEND_ALIASES.get(name, name) for name in header}, kind)
        for line, row in enumerate(parquet.rows(path), start=1):
            if any(row.values()):
                yield line, {_SPEND_ALIASES.get(name, name): text for name, text in row.items()}
    except CorruptArchiveError as error:
        raise UnreadableTableError(error.problem) from error


def _csv_rows(path: File, kind: str) -> Iterator[tuple[int, Row]]:
    with io.TextIOWrapper(path.open("rb"), "utf-8-sig", "surrogateescape", newline="") as file:
        reader = csv.reader(file)
        try:
            header = [_SPEND_ALIASES.get(name.strip(), name.strip()) for name in next(reader, [])]
            _check_columns(set(header), kind)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
        except csv.Error as error:
            raise UnreadableTableError(f"no CSV at line {reader.line_num}: {error}") from error


def _check_columns(header: set[str], kind: str) -> None:
    missing = [" or ".join(sorted(names)) for names in _REQUIRED[kind] if not names & header]
    if missing:
        raise UnreadableTableError(f"columns missing: {', '.join(missing)}")


def read_spend(row: Row, context: Context) -> dict[str, Any]:
    """One row of advertising cost. Raises DeadLetter."""
    _check_encoding(row)
    if not all(row.get(name) for name in ("date", "currency")) or not (row.get("spend") or row.get("cost_micros")):
        raise DeadLetter("missing_field")
    campaign_id = row.get("campaign_id") or row.get("campaign_name")
    if not campaign_id:
        raise DeadLetter("missing_field")
    counts = {name: _count(row.get(name, "")) for name in ("impressions", "clicks")}
    spend_on = _date(row["date"])
    amount = _amount(row["spend"]) if row.get("spend") else _amount(row["cost_micros"], shift=-6)
    currency = _currency(row)
    return {
        "spend_on": spend_on, "campaign_id": campaign_number(campaign_id, context.key),
        "campaign_name": redact(row["campaign_name"]) if row.get("campaign_name") else None,
        "channel": redact(row["channel"]) if row.get("channel") else None, **counts,
        "spend_minor": to_minor(amount, currency), "currency": currency,
    }  # fmt: skip


def read_order(row: Row, context: Context) -> dict[str, Any] | None:
    """One order of the ledger; None where it is past the ledger's retention. Raises DeadLetter."""
    _check_encoding(row)
    if not all(row.get(name) for name in ("order_id", "ordered_at", "status", "revenue", "currency", "updated_at")):
        raise DeadLetter("missing_field")
    if row["status"].lower() not in _STATUSES:
        raise DeadLetter("invalid_type")
    ordered_at, updated_at = (_moment(row[name], context.timezone) for name in ("ordered_at", "updated_at"))
    revenue = _amount(row["revenue"])
    refunded = _amount(row.get("refunded") or "0")
    cogs = _amount(row["cogs"]) if row.get("cogs") else None
    currency = _currency(row)
    if ordered_at < context.now - timedelta(days=context.ledger_days):
        return None
    return {
        "order_id": order_number(row["order_id"], context.key), "ordered_at": ordered_at,
        "status": row["status"].lower(), "revenue_minor": to_minor(revenue, currency),
        "refunded_minor": to_minor(refunded, currency),
        "cogs_minor": None if cogs is None else to_minor(cogs, currency), "currency": currency,
        "updated_at": updated_at,
    }  # fmt: skip


def read_rates(row: Row) -> list[dict[str, Any]]:
    """The rates of one day, in units per 1 EUR times 10^8; currencies without a rate that day are left out.

    Raises:
        DeadLetter: the date or a rate cannot be read.
    """
    _check_encoding(row)
    rate_on = _date(row.get("Date", ""))
    quoted = {name: text for name, text in row.items() if name in MINOR_UNITS and text not in ("", "N/A")}
    rates = {name: int((_amount(text) * 10**8).to_integral_value()) for name, text in quoted.items()}
    if any(rate <= 0 for rate in rates.values()):
        raise DeadLetter("invalid_money")
    return [{"rate_on": rate_on, "currency": name, "rate_e8": rate} for name, rate in rates.items()]


def _check_encoding(row: Row) -> None:
    if any(re.search(r"[\udc80-\udcff]", text) for text in row.values()):
        raise DeadLetter("invalid_encoding")


def _date(text: str) -> date:
    """The day of a date, or of a moment by its own clock."""
    try:
        if not _DATE.fullmatch(text):
            raise ValueError("no date")
        return date.fromisoformat(text[:10])
    except ValueError:
        raise DeadLetter("invalid_timestamp") from None


def _moment(text: str, timezone: str) -> datetime:
    """A moment as naive UTC; the ledger's own without an offset are the region's local time."""
    try:
        moment = datetime.fromisoformat(text.upper())
        return naive_utc(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone)))
    except (ValueError, OverflowError):
        raise DeadLetter("invalid_timestamp") from None


def _amount(text: str, shift: int = 0) -> Decimal:
    try:
        return parse_amount(text, shift=shift)
    except ValueError:
        raise DeadLetter("invalid_money") from None


def _count(text: str) -> int:
    try:
        number = Decimal(text or "0")
    except InvalidOperation:
        raise DeadLetter("invalid_type") from None
    if not number.is_finite() or not 0 <= number <= 10**15 or number != int(number):
        raise DeadLetter("invalid_type")
    return int(number)


def _currency(row: Row) -> str:
    if row["currency"].upper() not in MINOR_UNITS:
        raise DeadLetter("unknown_currency")
    return row["currency"].upper()
