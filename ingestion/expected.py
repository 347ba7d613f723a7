"""What a field that made a dead letter was expected to be, in words for people; never what it was."""

from __future__ import annotations

_MOMENT = "an RFC 3339 date-time with an offset, such as 2026-03-01T10:00:00Z"
_AMOUNT = "a decimal number from 0, such as 12.50, without a currency or grouping"
_BY_REASON = {
    "oversized_record": "a record of at most 1 MiB",
    "invalid_encoding": "UTF-8",
    "malformed_json": "one JSON object a line (RFC 8259), or a whole line of Snowplow's 131 columns",
    "invalid_timestamp": _MOMENT,
    "future_timestamp": "a moment at most a day after the record's receivedAt",
    "invalid_money": _AMOUNT,
    "unknown_currency": "a currency of ISO 4217, such as EUR",
}
_PRESENT = {
    "properties.revenue": "revenue, else subtotal, total (with tax and shipping), value, or products with a price",
    "properties.currency": "a currency of ISO 4217, or regions.<region>.currency in the configuration",
    "anonymousId": "anonymousId or userId",
    "batch": "one record a line: split the batch into its records",
    "payload": "a record in its envelope; this one says that one was deleted",
}
_TYPES = {
    "context": "an object",
    "context.page": "an object",
    "context.campaign": "an object",
    "context.consent": "an object",
    "context.consentManagement": "an object",
    "properties": "an object",
    "properties.products": "a list of objects",
}
_IDS = ("messageId", "anonymousId", "userId", "context.campaign.id", "properties.order_id")


def expected(reason: str, field: str) -> str:
    """Of a dead letter with that reason, which `field` ('' for the whole line) is to blame for."""
    if reason == "missing_field":
        envelope = _PRESENT["payload"] if field in ("payload", "value", "after", "_airbyte_data") else "a value"
        return _PRESENT.get(field, envelope)
    if reason != "invalid_type":
        return _BY_REASON.get(reason, "")
    if not field:
        return "one JSON object a line, and not a list of several"
    if field.startswith(("context.consent.", "context.consentManagement.")):
        return "true or false, or granted or denied" if "Ids" not in field else "a list of ids"
    if field in _IDS:
        return "text or a whole number"
    is_amount = field.startswith("properties.") and field != "properties.currency"
    return _TYPES.get(field, "a number, or text that is one" if is_amount else "text")
