"""From a line's text to a record: JSON with exact numbers, taken out of whatever envelope a pipeline put around it."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

REASONS = (
    "oversized_record", "invalid_encoding", "malformed_json", "missing_field", "invalid_type",
    "invalid_timestamp", "future_timestamp", "invalid_money", "unknown_currency",
)  # fmt: skip
# Where an envelope has its record: Kafka Connect's JSON converter, a whole Kafka message, Debezium, Airbyte.
ENVELOPES = ("payload", "value", "after", "_airbyte_data")

# The same of queues and buses (EventBridge, CloudEvents, Pub/Sub, SNS, SQS, Event Hubs, Kinesis), whose own fields may
# be called anything: it is an envelope only where an object, or the JSON text of one, is in it.
_BUSES = ("detail", "data", "message", "Message", "Body", "kinesis")
_BASE64 = re.compile(r"(e[yw]|In)[A-Za-z0-9+/_\s-]+={0,2}\s*", re.ASCII)  # of text that begins as these
_OBJECT = ("{", '"{')

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]|[^"\[\]{}]+', re.DOTALL)
_URL_SAFE = str.maketrans("-_", "+/")
_DEEPEST = 64
_MOST_ENVELOPES = 8


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
    record = decode_any(text)
    if not isinstance(record, dict):
        raise DeadLetter("invalid_type")
    return record


def decode_record(text: str, identity: str = "messageId") -> dict[str, Any]:
    """As :func:`decode_text`, of the record in however many envelopes; one with the field `identity` is no envelope.

    Raises:
        DeadLetter: malformed_json, invalid_type (no object), or missing_field (an envelope that holds nothing,
            or a batch of several).
    """
    record = unwrapped(decode_any(text), identity)
    if not isinstance(record, dict):
        raise DeadLetter("invalid_type")
    if identity not in record and isinstance(record.get("batch"), list):
        raise DeadLetter("missing_field", field="batch")  # as Segment's interface takes several at once
    return record


def decode_line(text: str) -> str:
    """A record that is text, such as a line of TSV, out of the JSON that it may be wrapped in.

    Raises:
        DeadLetter: malformed_json, or missing_field (an envelope that holds nothing).
    """
    if not text.startswith(("{", '"')):
        return text
    record = unwrapped(decode_any(text), "")
    if not isinstance(record, str):
        raise DeadLetter("malformed_json")
    return record


def unwrapped(value: Any, identity: str) -> Any:
    """What is in the innermost envelope; the value itself where it is none.

    Raises:
        DeadLetter: malformed_json (text that begins as an object and is none), missing_field (nothing is in it).
    """
    for _ in range(_MOST_ENVELOPES):
        if isinstance(value, str):
            if not value.lstrip().startswith(("{", '"')):
                return value
            value = decode_any(value)
            continue
        if not isinstance(value, dict) or (identity in value and not _is_message(value)):
            return value
        key = next((name for name in ENVELOPES if name in value), None)
        if key is None:
            inner = next(filter(None, (_carried(value.get(name)) for name in _BUSES)), None)
            if inner is None:
                return value
            value = inner
            continue
        if value[key] is None:  # a deletion, or the marker of one
            raise DeadLetter("missing_field", field=key)
        if not isinstance(value[key], dict | str):
            return value
        value = value[key]
    return value


def _is_message(value: dict[str, Any]) -> bool:
    """Pub/Sub numbers what it carries by a `messageId` of its own."""
    return "type" not in value and _carried(value.get("data")) is not None


def _carried(value: Any) -> Any:
    """An object, or the text of one, plain or in Base64; None of anything else."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        return None
    if value.lstrip().startswith(_OBJECT):
        return value
    if not _BASE64.fullmatch(value):
        return None
    try:
        text = base64.b64decode(value.translate(_URL_SAFE)).decode()
    except ValueError:
        return None
    return text if text.lstrip().startswith(_OBJECT) else None


def decode_any(text: str) -> Any:
    """A JSON value, its numbers as decimals; of a key that comes twice the first value counts.

    Raises:
        DeadLetter: malformed_json.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        return decode_any(_without_depths(text))
    except (ValueError, ArithmeticError):
        raise DeadLetter("malformed_json") from None


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
