"""What one record must be (contracts.md, section 2): the exact reader, of which the fast one is a shortcut."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from ingestion.money import MINOR_UNITS, parse_amount, to_minor
from ingestion.record_fields import Fields

COMMERCE_EVENTS = ("Order Completed", "Order Refunded", "Order Cancelled")
EXPERIMENT_EVENT = "Experiment Viewed"
TYPES = ("page", "screen", "track", "identify")
# The properties that name an experiment and its variation, and where someone was, coarsely: the first that is there.
EXPERIMENT = {
    "experiment": ("experiment_id", "experiment_name"),
    "variation": ("variation_id", "variation_name"),
}
GEOGRAPHY = ("region", "country")
MAX_RECORD_BYTES = 1 << 20
REASONS = (
    "oversized_record", "invalid_encoding", "malformed_json", "missing_field", "invalid_type",
    "invalid_timestamp", "future_timestamp", "invalid_money", "unknown_currency",
)  # fmt: skip

# One row a record, in plain text: lives in memory only, between the reader and the boundary.
PLAIN = pl.Schema({
    "record_offset": pl.Int64(), "message_id": pl.String(), "type": pl.String(), "event": pl.String(),
    "occurred_at": pl.Datetime("us"), "received_at": pl.Datetime("us"),
    "anonymous_id": pl.String(), "user_id": pl.String(),
    "campaign_source": pl.String(), "campaign_medium": pl.String(), "campaign_name": pl.String(),
    "campaign_id": pl.String(),
    "page_url": pl.String(), "page_referrer": pl.String(), "user_agent": pl.String(), "analytics_consent": pl.Boolean(),
    "experiment": pl.String(), "variation": pl.String(), "geography": pl.String(),
    "order_id": pl.String(), "currency": pl.String(), "revenue_minor": pl.Int64(), "tax_minor": pl.Int64(),
    "shipping_minor": pl.Int64(), "total_minor": pl.Int64(),
})  # fmt: skip

_AMOUNTS = ("revenue", "tax", "shipping", "total")
_REQUIRED_OF = {
    "Order Completed": ("order_id", "revenue", "currency"),
    "Order Refunded": ("order_id", "total", "currency"),
    "Order Cancelled": ("order_id",),
}
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_DAY = timedelta(days=1)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]|[^"\[\]{}]+', re.DOTALL)
_DEEPEST = 64


class DeadLetter(Exception):  # noqa: N818 (the field's own word)
    """The record cannot be loaded; `reason` is one of :data:`REASONS`. The message never quotes a value.

    `field` is the one that is to blame, where it is one.
    """

    def __init__(self, reason: str, occurred_at: datetime | None = None, field: str = "") -> None:
        self.reason, self.occurred_at, self.field = reason, occurred_at, field
        super().__init__(reason)


def decode_text(text: str) -> dict[str, Any]:
    """One JSON object, its numbers as decimals; of a key that comes twice the first value counts.

    Raises:
        DeadLetter: malformed_json, or invalid_type (no object).
    """
    try:
        record = _DECODER.decode(text)
    except RecursionError:
        return decode_text(_without_depths(text))
    except (ValueError, ArithmeticError):
        raise DeadLetter("malformed_json") from None
    if not isinstance(record, dict):
        raise DeadLetter("invalid_type")
    return record


def _no_json(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: dict(reversed(pairs)),
    parse_float=Decimal, parse_int=Decimal, parse_constant=_no_json,
)  # fmt: skip


def _without_depths(text: str) -> str:
    """The text with null for everything nested deeper than any field that is read."""
    depth, kept = 0, []
    for token in _TOKEN.findall(text):
        is_opening = token in ("[", "{")
        if depth <= _DEEPEST:
            kept.append("null" if is_opening and depth == _DEEPEST else token)
        depth += is_opening - (token in ("]", "}"))
    return "".join(kept)


def read_record(record: dict[str, Any], now: datetime, order_types: Collection[str] = ("track",)) -> dict[str, Any]:
    """Check a record of the Segment Spec and take from it what the boundary may look at.

    Args:
        record: as decoded, numbers as ``Decimal``.
        now: the clock, UTC, naive.
        order_types: the types that can be an order; a reader of another format may find one on a page view.

    Returns:
        A row of :data:`PLAIN`, without ``record_offset``.

    Raises:
        DeadLetter: with the first reason that holds, in the contract's order.
    """
    fields = Fields(record)
    event = fields.value("event")
    is_order = isinstance(event, str) and event in COMMERCE_EVENTS and fields.value("type") in order_types
    _check_presence(fields, event if is_order else None)
    row = _texts(fields, is_order)
    row["occurred_at"], row["received_at"] = _moments(row.pop("timestamp"), row.pop("receivedAt"), now)
    try:
        row.update(_amounts(fields) if is_order else {})
    except DeadLetter as error:
        raise DeadLetter(error.reason, row["occurred_at"], error.field) from None
    return row


def _check_presence(fields: Fields, commerce_event: str | None) -> None:
    required = ["messageId", "type", "timestamp"]
    if fields.value("type") == "track":
        required.append("event")
    required += [f"properties.{name}" for name in _REQUIRED_OF.get(commerce_event or "", ())]
    missing = [path for path in required if _is_empty(fields.value(path))]
    if all(_is_empty(fields.value(path)) for path in ("anonymousId", "userId")):
        missing.append("anonymousId")
    if missing:
        raise DeadLetter("missing_field", field=missing[0])


def _is_empty(value: Any) -> bool:
    return value is None or value == {} or value == []


def _texts(fields: Fields, is_order: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "message_id": fields.text("messageId"),
        "type": fields.text("type"),
        "event": fields.text("event"),
        "anonymous_id": fields.text("anonymousId"),
        "user_id": fields.text("userId"),
        "timestamp": fields.text("timestamp"),
        "receivedAt": fields.text("receivedAt"),
        "user_agent": fields.text("context.userAgent"),
        "page_url": fields.text("context.page.url"),
        "page_referrer": fields.text("context.page.referrer"),
        "analytics_consent": fields.value("context.consent.categoryPreferences.Analytics"),
    }
    for name in ("source", "medium", "name"):
        row[f"campaign_{name}"] = fields.text(f"context.campaign.{name}")
    row["campaign_id"] = fields.number("context.campaign.id")
    row["geography"] = fields.label(*(f"context.location.{name}" for name in GEOGRAPHY))
    for name, properties in EXPERIMENT.items():
        is_shown = row["type"] == "track" and row["event"] == EXPERIMENT_EVENT
        row[name] = fields.label(*(f"properties.{one}" for one in properties)) if is_shown else None
    if is_order:
        row["order_id"], row["currency"] = fields.text("properties.order_id"), fields.text("properties.currency")
        for path in (f"properties.{name}" for name in (*_AMOUNTS, "discount")):
            if not isinstance(fields.value(path), Decimal | str | None):
                fields.blame(path)
    if not isinstance(row["analytics_consent"], bool | None):
        fields.blame("context.consent.categoryPreferences.Analytics")
    if fields.wrong_type:
        raise DeadLetter("invalid_type", field=fields.wrong_type)
    row["event"] = row["event"] if is_order or row["type"] == "track" else None
    row["type"] = row["type"] if row["type"] in TYPES else "other"
    return row


def parse_timestamp(text: str) -> datetime:
    """An RFC 3339 date-time as naive UTC, cut to microseconds; a leap second counts as the next second.

    Raises:
        DeadLetter: invalid_timestamp.
    """
    match = _RFC3339.fullmatch(text)
    if not match:
        raise DeadLetter("invalid_timestamp")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, zulu, sign, offset_hours, offset_minutes = match.groups()[6:]
    try:
        micros = int((fraction or "0")[:6].ljust(6, "0"))
        leap = timedelta(seconds=1 if second == 60 else 0)
        local = datetime(year, month, day, hour, minute, min(second, 59) if leap else second, 0 if leap else micros)
        if zulu:
            return local + leap
        if int(offset_hours) > 23 or int(offset_minutes) > 59:
            raise ValueError("offset out of range")
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
        return local + leap - (offset if sign == "+" else -offset)
    except (ValueError, OverflowError):
        raise DeadLetter("invalid_timestamp") from None


def _moments(timestamp: str, received: str | None, now: datetime) -> tuple[datetime, datetime | None]:
    field = "timestamp"
    try:
        occurred_at = parse_timestamp(timestamp)
        field = "receivedAt"
        received_at = parse_timestamp(received) if received is not None else None
    except DeadLetter as error:
        raise DeadLetter(error.reason, field=field) from None
    if occurred_at - (received_at or now) > _DAY:
        raise DeadLetter("future_timestamp", occurred_at, "timestamp")
    return occurred_at, received_at


def _amounts(fields: Fields) -> dict[str, Any]:
    """Amounts in minor units of the record's currency; none without a currency."""
    parsed: dict[str, Decimal] = {}
    for name in (*_AMOUNTS, "discount"):
        value = fields.value(f"properties.{name}")
        if value is None:
            continue
        try:
            parsed[name] = parse_amount(value if isinstance(value, str) else str(value))
        except ValueError:
            raise DeadLetter("invalid_money", field=f"properties.{name}") from None
    currency = fields.value("properties.currency")
    if currency is None:
        return {}
    if currency not in MINOR_UNITS:
        raise DeadLetter("unknown_currency", field="properties.currency")
    return {f"{name}_minor": to_minor(parsed[name], currency) for name in _AMOUNTS if name in parsed}


def naive_utc(moment: datetime) -> datetime:
    """How moments stand in tables: UTC, without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)
