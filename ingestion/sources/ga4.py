"""GA4's BigQuery export, as records of the Segment shape.

Rows come as BigQuery writes them: 64-bit integers as numbers or text, records as dicts, repeated ones as lists
of dicts. Money never passes through a float here: parse JSON with ``parse_float=Decimal``. As in the other
formats nothing is judged: what is wrong stays as it came and meets the contract.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

_TYPES = {"page_view": "page", "screen_view": "screen"}
_COMMERCE = {"purchase": "Order Completed", "refund": "Order Refunded"}
_CAMPAIGN_PARTS = {"id": "campaign_id", "name": "campaign", "source": "source", "medium": "medium"} | {
    part: part for part in ("term", "content")
}
_CLICK_IDS = ("gclid", "dclid", "gbraid", "wbraid")
_NOT_SET = {"(not set)", "(data deleted)"}
_NO_NAME = _NOT_SET | {"(none)", "(direct)", "(organic)", "(referral)", "(not provided)"}
_CONSENT = {"yes": True, "no": False, "true": True, "false": False}
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_EXACT = Context(prec=160)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IDENTITY = (
    "user_pseudo_id",
    "event_timestamp",
    "event_name",
    "event_bundle_sequence_id",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
)

_READ_COLUMNS = {
    *_IDENTITY, "event_params", "privacy_info", "user_id", "collected_traffic_source", "geo", "ecommerce",
}  # fmt: skip
_READ_PARAMS = {
    "page_location", "page_referrer", *_CAMPAIGN_PARTS.values(), *_CLICK_IDS,
    "transaction_id", "currency", "value", "tax", "shipping",
}  # fmt: skip


def unread_names(row: dict[str, Any]) -> set[str]:
    """The columns and event parameters of an exported row that mean nothing here."""
    return set(row) - _READ_COLUMNS | {
        f"event_params.{key}" for key in _params(row.get("event_params")) if key not in _READ_PARAMS
    }


def to_segment(row: dict[str, Any], *, reporting_currency: str) -> dict[str, Any]:
    """The record of the Segment shape that stands for one row of ``events_YYYYMMDD``.

    Args:
        row: one exported event.
        reporting_currency: stands in where a purchase or refund names none.

    Returns:
        The record; money as text in whole units of its currency, the timestamp in UTC to the microsecond.
        A row of someone who refused analytics carries no identity (a cookieless ping): its own messageId stands
        in as ``anonymousId``, so that it is counted as refused, or its order's money kept, and not as broken.
    """
    params = _params(row.get("event_params"))
    name = _text(row.get("event_name"))
    kind = _TYPES.get(name or "", "track")
    message_id = _message_id(row)
    consent = _consent(_record(row.get("privacy_info")))
    anonymous_id, user_id = _text(row.get("user_pseudo_id")), _text(row.get("user_id"))
    if consent.get("Analytics") is False and not (anonymous_id or user_id):
        anonymous_id = message_id
    record = {
        "messageId": message_id,
        "type": kind,
        "event": _COMMERCE.get(name or "", name) if kind == "track" else None,
        "anonymousId": anonymous_id,
        "userId": user_id,
        "timestamp": _timestamp(row.get("event_timestamp")),
        "context": _present(
            {
                "campaign": _campaign(_record(row.get("collected_traffic_source")), params),
                "page": _present({"url": params.get("page_location"), "referrer": params.get("page_referrer")}),
                "consent": _present({"categoryPreferences": consent}),
                "location": _location(_record(row.get("geo"))),
            }
        ),
        "properties": _commerce(name, _record(row.get("ecommerce")), params, reporting_currency),
    }
    return _present(record)


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != {}}


def _record(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    """Text of a value, None of an empty one; of a float the shortest text that reads back as the same."""
    return None if value is None or value == "" else str(value)


def _params(entries: Any) -> dict[str, str]:
    """event_params as key → text of the one value that is set."""
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else []:
        values = _record(_record(entry).get("value"))
        texts = (_text(values.get(f"{kind}_value")) for kind in ("string", "int", "double", "float"))
        text = next((text for text in texts if text is not None), None)
        if text is not None:
            found[str(entry.get("key"))] = text
    return found


def _message_id(row: dict[str, Any]) -> str:
    """GA4 gives events no id: the same exported event has the same one here, however often it is exported.

    The transaction id is in it, so that two orders never share one; numbers count as their text.
    """
    parts = [_text(row.get(column)) for column in _IDENTITY]
    parts.append(_text(_record(row.get("ecommerce")).get("transaction_id")))
    return "ga4-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _timestamp(micros: Any) -> str | None:
    """Microseconds since 1970 UTC → RFC 3339; anything else as it came."""
    text = _text(micros)
    try:
        return (_EPOCH + timedelta(microseconds=int(text or ""))).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return text


def _consent(privacy: dict[str, Any]) -> dict[str, bool]:
    """'Yes' and 'No' as a choice; 'Unset' and null say nothing."""
    choices = {"Analytics": privacy.get("analytics_storage"), "Advertising": privacy.get("ads_storage")}
    return {
        category: _CONSENT[choice] for category, value in choices.items() if (choice := str(value).lower()) in _CONSENT
    }


def _location(geo: dict[str, Any]) -> dict[str, Any]:
    found = {name: _text(geo.get(name)) for name in ("region", "country")}
    return {name: text for name, text in found.items() if text and text not in _NOT_SET}


def _campaign(collected: dict[str, Any], params: dict[str, str]) -> dict[str, str]:
    """The tags of the event's own URL, else the event's parameters, else google/cpc for a paid click id.

    A click id waits for utm tags of the page's URL: where the URL has some, the pipeline reads them there.
    """
    manual = {part: collected.get(f"manual_{_manual(part)}") for part in _CAMPAIGN_PARTS}
    tags = {part: params.get(key) for part, key in _CAMPAIGN_PARTS.items()}
    campaign = _named(manual) or _named(tags)
    if campaign or "utm_" in params.get("page_location", ""):
        return campaign
    clicked = any(_text(collected.get(key)) or params.get(key) for key in _CLICK_IDS)
    return {"source": "google", "medium": "cpc"} if clicked else {}


def _manual(part: str) -> str:
    return f"campaign_{part}" if part in ("id", "name") else part


def _named(campaign: dict[str, Any]) -> dict[str, str]:
    """The parts that say something: GA4's stand-ins, such as '(not set)' and '(organic)', are no names."""
    return {
        part: text
        for part, value in campaign.items()
        if (text := _text(value)) and text not in (_NOT_SET if part in ("source", "medium") else _NO_NAME)
    }


def _commerce(
    name: str | None, ecommerce: dict[str, Any], params: dict[str, str], reporting_currency: str
) -> dict[str, str]:
    """Properties of an order or a refund; {} of anything else.

    GA4's values leave tax and shipping out; what Segment calls the total of a refund has them in.
    """

    def amount(column: str, param: str) -> str | None:
        return _text(ecommerce.get(column)) or params.get(param)

    if name not in _COMMERCE:
        return {}
    order_id = _text(ecommerce.get("transaction_id"))
    if order_id is None or order_id in _NOT_SET:
        order_id = params.get("transaction_id")
    properties = {"order_id": order_id, "currency": params.get("currency") or reporting_currency}
    tax, shipping = amount("tax_value", "tax"), amount("shipping_value", "shipping")
    if name == "purchase":
        properties |= {"revenue": amount("purchase_revenue", "value"), "tax": tax, "shipping": shipping}
    else:
        properties["total"] = _sum(amount("refund_value", "value"), tax, shipping)
    return _present(properties)


def _sum(value: str | None, *others: str | None) -> str | None:
    """The exact sum; the value as it came where there is none or one of them is no number."""
    added = [text for text in others if text is not None]
    if value is None or not added or not all(_NUMBER.fullmatch(text) for text in [value, *added]):
        return value
    total = Decimal(value)
    for text in added:
        total = _EXACT.add(total, Decimal(text))
    return format(total, "f")
