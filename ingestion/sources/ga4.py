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

from ingestion.reading import Reading

_TYPES = {"page_view": "page", "screen_view": "screen"}
_COMMERCE = {"purchase": "Order Completed", "refund": "Order Refunded"}
_CAMPAIGN_PARTS = {"id": "campaign_id", "name": "campaign", "source": "source", "medium": "medium"} | {
    part: part for part in ("term", "content")
}
_CLICK_IDS = {"google": ("gclid", "dclid", "gbraid", "wbraid"), "bing": ("msclkid",)}
_NOT_SET = {"(not set)", "(data deleted)"}
_NO_NAME = _NOT_SET | {"(none)", "(direct)", "(organic)", "(referral)", "(not provided)"}
_CONSENT = {"yes": True, "no": False, "true": True, "false": False, "granted": True, "denied": False}
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
    *_IDENTITY, "event_params", "privacy_info", "user_id", "collected_traffic_source", "geo", "ecommerce", "items",
}  # fmt: skip
_READ_PARAMS = {
    "page_location", "page_referrer", *_CAMPAIGN_PARTS.values(), *_CLICK_IDS["google"], *_CLICK_IDS["bing"],
    "ignore_referrer",
    "transaction_id", "currency", "value", "tax", "shipping",
}  # fmt: skip


def unread_names(row: dict[str, Any]) -> set[str]:
    """The columns and event parameters of an exported row that mean nothing here."""
    return set(row) - _READ_COLUMNS | {
        f"event_params.{key}" for key in _params(row.get("event_params")) if key not in _READ_PARAMS
    }


def to_segment(row: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """The record of the Segment shape that stands for one row of ``events_YYYYMMDD``.

    Args:
        row: one exported event.
        reading: its currencies stand in where a purchase or refund names none.

    Returns:
        The record; money as text in whole units of its currency, the timestamp in UTC to the microsecond.
        A row without any identity is a cookieless ping of someone who has not consented, whatever else it says: its
        own messageId stands in as ``anonymousId``, so that it is counted as refused and not as broken.
    """
    params = _params(row.get("event_params"))
    name = _text(row.get("event_name"))
    kind = _TYPES.get(name or "", "track")
    message_id = _message_id(row)
    consent = _consent(_record(row.get("privacy_info")), reading)
    anonymous_id, user_id = _text(row.get("user_pseudo_id")), _text(row.get("user_id"))
    if not (anonymous_id or user_id):
        consent[reading.consent.analytics[0]] = False
        anonymous_id = None if name in _COMMERCE else message_id
    record = {
        "messageId": message_id,
        "type": kind,
        "event": _COMMERCE.get(name or "", name) if kind == "track" else None,
        "anonymousId": anonymous_id,
        "userId": user_id,
        "timestamp": _timestamp(row.get("event_timestamp")),
        "context": _context(row, params, consent),
        "properties": _commerce(name, row, params, reading.currency or reading.reporting_currency),
    }
    return _present(record)


def _context(row: dict[str, Any], params: dict[str, str], consent: dict[str, bool]) -> dict[str, Any]:
    campaign, guessed_referrer = _campaign(_record(row.get("collected_traffic_source")), params)
    is_ignored = (params.get("ignore_referrer") or "").lower() in ("true", "1")
    referrer = None if is_ignored else params.get("page_referrer") or guessed_referrer
    return _present({
        "campaign": campaign, "page": _present({"url": params.get("page_location"), "referrer": referrer}),
        "consent": _present({"categoryPreferences": consent}), "location": _location(_record(row.get("geo"))),
    })  # fmt: skip


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != {}}


def _record(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    """Text of a value, None of an empty one; of a float the shortest text that reads back as the same."""
    return None if value is None or value == "" else str(value)


def _params(entries: Any) -> dict[str, str]:
    """event_params as key → text of the one value that is set; they may have been turned into one object."""
    found: dict[str, str] = {}
    if isinstance(entries, dict):
        objects = {key: value if isinstance(value, dict) else {"string_value": value} for key, value in entries.items()}
        entries = [{"key": key, "value": value} for key, value in objects.items()]
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
        # GA4 counts microseconds; what a pipeline has turned into seconds or milliseconds has fewer digits.
        unit = 10 ** {10: 6, 13: 3}.get(len(text or ""), 0)
        return (_EPOCH + timedelta(microseconds=int(text or "") * unit)).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return text


def _consent(privacy: dict[str, Any], reading: Reading) -> dict[str, bool]:
    """'Yes' and 'No' as a choice; 'Unset' and null say nothing."""
    names = reading.consent
    choices = {names.analytics[0]: privacy.get("analytics_storage"), names.advertising[0]: privacy.get("ads_storage")}
    return {
        category: _CONSENT[choice] for category, value in choices.items() if (choice := str(value).lower()) in _CONSENT
    }


def _location(geo: dict[str, Any]) -> dict[str, Any]:
    found = {name: _text(geo.get(name)) for name in ("region", "country")}
    return {name: text for name, text in found.items() if text and text not in _NOT_SET}


def _campaign(collected: dict[str, Any], params: dict[str, str]) -> tuple[dict[str, str], str | None]:
    """The campaign, and a referrer where GA4 took one for the source.

    The tags of the event's own URL, else the event's parameters. What GA4 itself guessed there (``organic``,
    ``(direct)``) gives way to a paid click, whose id stands in the export or in the URL, and a guess from the referrer
    is a referrer, so that payment and internal domains are no source here either. A click id waits for utm tags of
    the page's URL: where the URL has some, the pipeline reads them there.
    """
    manual = {part: collected.get(f"manual_{_manual(part)}") for part in _CAMPAIGN_PARTS}
    tags = {part: params.get(key) for part, key in _CAMPAIGN_PARTS.items()}
    campaign = _named(manual) or _named(tags)
    source, medium = (campaign.get(part, "").lower() for part in ("source", "medium"))
    if campaign and medium not in ("organic", "referral", "(none)") and source != "(direct)":
        return campaign, None
    url = params.get("page_location", "").partition("#")[0]
    if "utm_" in url:
        return {}, None
    if clicked := _clicked(collected, params, url):
        return {"source": clicked, "medium": "cpc"}, None
    if source == "(direct)":
        return {}, None
    is_host = medium == "referral" and "." in source and not campaign.keys() - {"source", "medium"}
    return ({}, f"https://{source}/") if is_host else (campaign, None)


def _clicked(collected: dict[str, Any], params: dict[str, str], url: str) -> str | None:
    """The source of a paid click whose id is there."""
    for source, ids in _CLICK_IDS.items():
        if any(_text(collected.get(key)) or params.get(key) for key in ids):
            return source
        if re.search(rf"[?&](?:{'|'.join(ids)})=[^&]", url):
            return source
    return None


def _manual(part: str) -> str:
    return f"campaign_{part}" if part in ("id", "name") else part


def _named(campaign: dict[str, Any]) -> dict[str, str]:
    """The parts that say something: GA4's stand-ins, such as '(not set)' and '(organic)', are no names."""
    said = {part: text for part, value in campaign.items() if (text := _text(value))}
    no_names = {part: _NOT_SET if part in ("source", "medium") else _NO_NAME for part in said}
    return {part: text for part, text in said.items() if text not in no_names[part]}


def _commerce(name: str | None, row: dict[str, Any], params: dict[str, str], currency: str) -> dict[str, Any]:
    """Properties of an order or a refund; {} of anything else.

    GA4's values leave tax and shipping out; what Segment calls the total of a refund has them in.
    """
    if name not in _COMMERCE:
        return {}
    ecommerce = _record(row.get("ecommerce"))

    def amount(column: str, param: str) -> str | None:
        return _text(ecommerce.get(column)) or params.get(param)

    ids = (_text(ecommerce.get("transaction_id")), params.get("transaction_id"))
    order_id = next((one for one in ids if one and one not in _NOT_SET), None)
    properties: dict[str, Any] = {"order_id": order_id, "currency": params.get("currency") or currency}
    tax, shipping = amount("tax_value", "tax"), amount("shipping_value", "shipping")
    if name == "purchase":
        told = amount("purchase_revenue", "value")
        properties |= {"revenue": told, "tax": tax, "shipping": shipping}
    else:
        told = amount("refund_value", "value")
        properties["total"] = _sum(told, tax, shipping)
    return _present(properties | ({} if told else {"products": _products(row.get("items"))}))


def _products(items: Any) -> list[dict[str, Any]] | None:
    """What the items cost, where the event has no value of its own; None without items."""
    listed = [item for item in (items if isinstance(items, list) else []) if isinstance(item, dict)]
    return [{"price": _text(item.get("price")), "quantity": _text(item.get("quantity"))} for item in listed] or None


def _sum(value: str | None, *others: str | None) -> str | None:
    """The exact sum; the value as it came where there is none or one of them is no number."""
    added = [text for text in others if text is not None]
    if value is None or not added or not all(_NUMBER.fullmatch(text) for text in [value, *added]):
        return value
    total = Decimal(value)
    for text in added:
        total = _EXACT.add(total, Decimal(text))
    return format(total, "f")
