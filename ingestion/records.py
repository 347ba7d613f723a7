"""What one record must be (contracts.md, section 2): the exact reader, of which the fast one is a shortcut."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ingestion.decoding import REASONS, DeadLetter, decode_record, decode_text
from ingestion.orders import COMMERCE_EVENTS, Money, commerce_event, is_empty
from ingestion.reading import DEFAULTS, Reading
from ingestion.record_fields import Fields
from privacy.consent import UnreadableConsentError, stated

__all__ = [
    "COMMERCE_EVENTS", "EXPERIMENT", "EXPERIMENT_EVENT", "GEOGRAPHY", "MAX_RECORD_BYTES", "PLAIN", "REASONS", "TYPES",
    "DeadLetter", "decode_record", "decode_text", "naive_utc", "parse_timestamp", "read_record",
]  # fmt: skip

EXPERIMENT_EVENT = "Experiment Viewed"
TYPES = ("page", "screen", "track", "identify")
_PAGES = TYPES[:2]  # whose own properties say, too, where they were: servers send no `context.page`
# The properties that name an experiment and its variation, and where someone was, coarsely: the first that is there.
EXPERIMENT = {
    "experiment": ("experiment_id", "experiment_name"),
    "variation": ("variation_id", "variation_name"),
}
GEOGRAPHY = ("region", "country")
MAX_RECORD_BYTES = 1 << 20

# One row a record, in plain text: lives in memory only, between the reader and the boundary.
PLAIN = pl.Schema({
    "record_offset": pl.Int64(), "message_id": pl.String(), "type": pl.String(), "event": pl.String(),
    "occurred_at": pl.Datetime("us"), "received_at": pl.Datetime("us"),
    "anonymous_id": pl.String(), "user_id": pl.String(),
    "campaign_source": pl.String(), "campaign_medium": pl.String(), "campaign_name": pl.String(),
    "campaign_id": pl.String(),
    "page_url": pl.String(), "page_referrer": pl.String(), "user_agent": pl.String(), "analytics_consent": pl.Boolean(),
    "is_robot": pl.Boolean(),
    "experiment": pl.String(), "variation": pl.String(), "geography": pl.String(),
    "order_id": pl.String(), "currency": pl.String(), "revenue_minor": pl.Int64(), "tax_minor": pl.Int64(),
    "shipping_minor": pl.Int64(), "total_minor": pl.Int64(),
})  # fmt: skip

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_DAY = timedelta(days=1)
# A commerce track is lost for no other field's sake: what else is of a wrong type is as if it were absent.
_ESSENTIAL = {"messageId", "type", "event", "timestamp", "properties"}

Note = Callable[[str], None]


def read_record(
    record: dict[str, Any],
    now: datetime,
    order_types: Collection[str] = ("track",),
    reading: Reading = DEFAULTS,
    note: Note = lambda _: None,
) -> dict[str, Any]:
    """Check a record of the Segment Spec and take from it what the boundary may look at.

    Args:
        record: as decoded, numbers as ``Decimal``.
        now: the clock, UTC, naive.
        order_types: the types that can be an order; a reader of another format may find one on a page view.
        reading: what of the configuration decides.
        note: is told each field of a commerce track that was passed over, or replaced, for the money's sake.

    Returns:
        A row of :data:`PLAIN`, without ``record_offset``.

    Raises:
        DeadLetter: with the first reason that holds, in the contract's order.
    """
    fields = Fields(record)
    event = commerce_event(fields.value("event"))
    money = Money(fields, event, reading.currency) if event and _kind(fields.value("type")) in order_types else None
    _check_presence(fields, money)
    row = _texts(fields, money, reading, note)
    row |= _moments(row.pop("timestamp"), row.pop("receivedAt"), now, note if money else None)
    try:
        row.update(money.row(note) if money else {})
    except DeadLetter as error:
        raise DeadLetter(error.reason, row["occurred_at"], error.field) from None
    return row


def _kind(value: Any) -> Any:
    """The type, which ignores case and blanks around it."""
    spelled = value.strip(" ").lower() if isinstance(value, str) else value
    return spelled if spelled in TYPES else value


def _check_presence(fields: Fields, money: Money | None) -> None:
    required = ["messageId", "type", "timestamp"]
    if _kind(fields.value("type")) == "track":
        required.append("event")
    missing = [path for path in required if is_empty(fields.value(path))]
    if not money and not missing and fields.is_nobody("messageId"):
        missing.append("messageId")  # all that has the same would be copies of one record
    missing += money.missing() if money else []
    if not money and fields.is_nobody("anonymousId") and fields.is_nobody("userId"):
        missing.append("anonymousId")
    if missing:
        raise DeadLetter("missing_field", field=missing[0])


def _texts(fields: Fields, money: Money | None, reading: Reading, note: Note) -> dict[str, Any]:
    row: dict[str, Any] = {
        "message_id": fields.number("messageId"),
        "type": _kind(fields.text("type")),
        "event": fields.text("event"),
        "anonymous_id": fields.person("anonymousId"),
        "user_id": fields.person("userId"),
        "timestamp": fields.text("timestamp"),
        "receivedAt": fields.text("receivedAt"),
        "user_agent": fields.text("context.userAgent"),
        "page_url": fields.text("context.page.url"),
        "page_referrer": fields.text("context.page.referrer"),
        "is_robot": fields.value("context.isBot") is True,
    }
    if row["page_url"] is None and row["type"] in _PAGES:
        row["page_url"] = fields.label("properties.url")
        row["page_referrer"] = row["page_referrer"] or fields.label("properties.referrer")
    for name in ("source", "medium"):
        row[f"campaign_{name}"] = fields.text(f"context.campaign.{name}")
    for name in ("name", "id"):  # a tag that is a campaign's id may come as a number
        row[f"campaign_{name}"] = fields.number(f"context.campaign.{name}")
    row["geography"] = fields.label(*(f"context.location.{name}" for name in GEOGRAPHY))
    for name, properties in EXPERIMENT.items():
        is_shown = row["type"] == "track" and row["event"] == EXPERIMENT_EVENT
        row[name] = fields.label(*(f"properties.{one}" for one in properties)) if is_shown else None
    row["analytics_consent"] = _analytics_consent(fields, reading)
    if money:
        row["order_id"] = fields.number(money.order_id)
    _judge_types(fields, money, note)
    if money and any(path == "context" or path.startswith("context.consent") for path in fields.wrong):
        row["analytics_consent"] = False  # a statement that cannot be read is no consent
    row["event"] = money.event if money else row["event"] if row["type"] == "track" else None
    row["type"] = row["type"] if row["type"] in TYPES else "other"
    return row


def _analytics_consent(fields: Fields, reading: Reading) -> bool | None:
    consent, management = fields.value("context.consent"), fields.value("context.consentManagement")
    try:
        return stated(consent, management, reading.consent.analytics)
    except UnreadableConsentError as error:
        fields.blame(error.field)
        return None


def _judge_types(fields: Fields, money: Money | None, note: Note) -> None:
    """Of a commerce track only what its money, identity and time need has to be of its type; the rest is noted."""
    if not money:
        if fields.wrong:
            raise DeadLetter("invalid_type", field=fields.wrong[0])
        return
    wrong = [path for path in fields.wrong if path in _ESSENTIAL or path == money.order_id] + money.wrong_types()
    if wrong:
        raise DeadLetter("invalid_type", field=wrong[0])
    for path in fields.wrong:
        note(path)


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


def _moments(timestamp: str, received: str | None, now: datetime, note: Note | None) -> dict[str, datetime | None]:
    """When it happened and was received; with `note`, a receipt stands in for a moment that is still to come."""
    try:
        occurred_at = parse_timestamp(timestamp)
    except DeadLetter as error:
        raise DeadLetter(error.reason, field="timestamp") from None
    received_at = None
    try:
        received_at = parse_timestamp(received) if received is not None else None
    except DeadLetter as error:
        if not note:
            raise DeadLetter(error.reason, field="receivedAt") from None
        note("receivedAt")
    if occurred_at - (received_at or now) > _DAY:
        if not note or received_at is None or received_at - now > _DAY:
            raise DeadLetter("future_timestamp", occurred_at, "timestamp")
        note("timestamp")
        occurred_at = received_at
    return {"occurred_at": occurred_at, "received_at": received_at}


def naive_utc(moment: datetime) -> datetime:
    """How moments stand in tables: UTC, without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)
