"""Snowplow enriched events, as records of the Segment shape.

Nothing here judges a value: what is missing stays absent and what is wrong stays as it came, so that the
contract gives the record its reason, the same one for every format.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ingestion.reading import Reading
from ingestion.sources.snowplow_entities import entities_of

_COLUMNS = """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker
    v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid
    geo_country geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name
    ip_isp ip_organization ip_domain ip_netspeed page_url page_title page_referrer
    page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery page_urlfragment
    refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment
    refr_medium refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign
    contexts se_category se_action se_label se_property se_value unstruct_event
    tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country
    ti_orderid ti_sku ti_name ti_category ti_price ti_quantity
    pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max
    useragent br_name br_family br_version br_type br_renderengine br_lang br_features_pdf br_features_flash
    br_features_java br_features_director br_features_quicktime br_features_realplayer br_features_windowsmedia
    br_features_gears br_features_silverlight br_cookies br_colordepth br_viewwidth br_viewheight
    os_name os_family os_manufacturer os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight
    doc_charset doc_width doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base
    ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp
    refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp
    event_vendor event_name event_format event_version event_fingerprint true_tstamp
"""
COLUMNS = tuple(_COLUMNS.split())
"""The 131 columns of the enriched TSV, in order."""

_TYPES = {"page_view": "page", "screen_view": "screen"}
_ANONYMISED_ID = "00000000-0000-0000-0000-000000000000"  # the collector's network_userid under anonymous tracking
_CLICK_NETWORKS = {"google": ("google", "cpc"), "doubleclick": ("google", "cpc"), "microsoft": ("bing", "cpc")}
_NOT_SET = "(not set)"
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_EXACT = Context(prec=160)
_CONSENT_BY_EVENT_TYPE = {
    "allow_all": True,
    "implicit_consent": True,
    "deny_all": False,
    "withdrawn": False,
    "expired": False,
}
# Besides the names that the configuration knows.
_ANALYTICS_SCOPES = {"analytical", "measurement"}
_ADVERTISING_SCOPES = {"advertisement", "ads"}


def split(line: str) -> dict[str, str]:
    """The fields of one TSV line by column name, without the empty ones.

    A line that has not all 131 columns gives no fields at all: cut short, it might have lost its consent.
    """
    values = line.rstrip("\r\n").split("\t")
    if len(values) != len(COLUMNS):
        return {}
    return {name: value for name, value in zip(COLUMNS, values, strict=True) if value}


def to_segment(fields: dict[str, str], reading: Reading) -> dict[str, Any]:
    """The record of the Segment shape that stands for an enriched event.

    Args:
        fields: values by column name, empty ones absent or ''. Entities may come as the TSV has them (JSON in
            ``contexts``, ``derived_contexts``, ``unstruct_event``) or as loaders flatten them
            (``contexts_<vendor>_<name>_<version>``).
        reading: its currencies stand in where an order names none.

    Returns:
        The record; money as text in whole units of its currency. An order on a page view keeps type ``page``
        and carries ``event`` and ``properties`` as well.
    """
    fields = {name: value for name, value in fields.items() if value}
    entities = dict(entities_of(fields))
    name = fields.get("event_name") or fields.get("event")
    event, properties = _commerce(fields, entities, reading.currency or reading.reporting_currency)
    kind = _TYPES.get(name or "", "track")
    record = {
        "messageId": fields.get("event_id"),
        "type": kind,
        "event": event or (name if kind == "track" else None),
        "anonymousId": _anonymous_id(fields, entities),
        "userId": fields.get("user_id"),
        "timestamp": _rfc3339(fields.get("derived_tstamp") or fields.get("collector_tstamp")),
        "receivedAt": _rfc3339(fields.get("collector_tstamp")),
        "context": _context(fields, reading),
        "properties": properties,
    }
    return _present(record)


def _context(fields: dict[str, str], reading: Reading) -> dict[str, Any]:
    # A consent event speaks of what comes after it, in an order that archives do not keep: only what the event itself
    # carries is read.
    attached = dict(entities_of({name: value for name, value in fields.items() if not name.startswith("unstruct")}))
    found = {
        "campaign": _campaign(fields),
        "page": _present({"url": _url(fields, "page"), "referrer": _referrer(fields)}),
        "userAgent": fields.get("useragent"),
        "ip": fields.get("user_ipaddress"),
        "location": _present({name: fields.get(f"geo_{name}") for name in ("region", "country")}),
        "consent": _consent(attached.get("consent_preferences"), reading),
        "isBot": _is_robot(attached.get("spiders_and_robots", {})) or None,
    }
    return _present(found)


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != {}}


def _rfc3339(moment: str | None) -> str | None:
    """Snowplow writes UTC without saying so: '2026-03-01 10:00:00.123' → '2026-03-01T10:00:00.123Z'."""
    if moment is None or re.search(r"(Z|[+-]\d\d:?\d\d)$", moment):
        return moment
    return moment.replace(" ", "T", 1) + "Z"


def _anonymous_id(fields: dict[str, str], entities: dict[str, dict[str, Any]]) -> str | None:
    network_id = fields.get("network_userid")
    return (
        fields.get("domain_userid")
        or (network_id if network_id != _ANONYMISED_ID else None)
        or entities.get("client_session", {}).get("user_id")
    )


def _url(fields: dict[str, str], prefix: str) -> str | None:
    """The URL as tracked, or put together again from its parts where only those were kept."""
    whole = fields.get("page_url" if prefix == "page" else "page_referrer")
    host = fields.get(f"{prefix}_urlhost")
    if whole or not host:
        return whole
    query = fields.get(f"{prefix}_urlquery")
    scheme, path = fields.get(f"{prefix}_urlscheme", "https"), fields.get(f"{prefix}_urlpath", "/")
    return f"{scheme}://{host}{path}" + (f"?{query}" if query else "")


def _referrer(fields: dict[str, str]) -> str | None:
    """What Enrich knows for one of the shop's own pages is no referrer."""
    return None if fields.get("refr_medium", "").lower() == "internal" else _url(fields, "refr")


def _is_robot(entity: dict[str, Any]) -> bool:
    """By the IAB's list of spiders and robots, as the enrichment of that name says."""
    return str(entity.get("spider_or_robot")).lower() == "true"


def _campaign(fields: dict[str, str]) -> dict[str, str]:
    """The marketing columns, else the network of a paid click id; '(not set)' is no value.

    '(direct)' / '(none)' stays: whoever fills these columns by hand says with it that a new visit began.
    """
    parts = ("source", "medium", "term", "content")
    campaign = {part: fields.get(f"mkt_{part}") for part in parts} | {"name": fields.get("mkt_campaign")}
    found = {part: value for part, value in campaign.items() if value and value != _NOT_SET}
    if not found and (pair := _CLICK_NETWORKS.get(fields.get("mkt_network", "").lower())):
        found = {"source": pair[0], "medium": pair[1]}
    if found and (campaign_id := _utm_id(fields.get("page_url", ""))):
        found["id"] = campaign_id
    return found


def _utm_id(url: str) -> str | None:
    """The campaign's id, for which Snowplow has no column."""
    if "utm_id=" not in url:
        return None
    try:
        return next(iter(parse_qs(urlsplit(url).query).get("utm_id", [])), None)
    except ValueError:  # no URL, such as one with half a bracket for a host
        return None


def _consent(preferences: dict[str, Any] | None, reading: Reading) -> dict[str, Any] | None:
    """From the Enhanced Consent plugin's ``consent_preferences``; ``pending`` says nothing yet."""
    if preferences is None:
        return None
    kind, scopes = preferences.get("event_type"), preferences.get("consent_scopes")
    names = reading.consent
    if kind == "allow_selected":
        chosen = {str(scope).strip().casefold() for scope in (scopes if isinstance(scopes, list) else [])}
        categories = {
            known[0]: bool(chosen & (others | {name.casefold() for name in known}))
            for known, others in ((names.analytics, _ANALYTICS_SCOPES), (names.advertising, _ADVERTISING_SCOPES))
        }
    elif isinstance(kind, str) and kind in _CONSENT_BY_EVENT_TYPE:
        categories = dict.fromkeys((names.analytics[0], names.advertising[0]), _CONSENT_BY_EVENT_TYPE[kind])
    else:
        return None
    return {"categoryPreferences": categories}


def _commerce(
    fields: dict[str, str], entities: dict[str, dict[str, Any]], default_currency: str
) -> tuple[str | None, dict[str, str]]:
    """(event, properties) of an order or a refund; (None, {}) of anything else."""
    if "tr_total" in fields:
        order = {key: fields.get(f"tr_{key}") for key in ("total", "tax", "shipping", "currency")}
        return _order(fields.get("tr_orderid") or fields.get("event_id"), order, default_currency)
    action = entities.get("snowplow_ecommerce_action", {}).get("type")
    if action == "transaction" and (sale := entities.get("transaction")):
        order = {key: sale.get(key) for key in ("tax", "shipping", "currency")} | {"total": sale.get("revenue")}
        return _order(sale.get("transaction_id"), order, default_currency)
    if action == "refund" and (refund := entities.get("refund")):
        properties = {
            "order_id": refund.get("transaction_id"),
            "total": refund.get("refund_amount"),
            "currency": refund.get("currency") or default_currency,
        }
        return "Order Refunded", _texts(properties)
    return None, {}


def _order(order_id: Any, order: dict[str, Any], default_currency: str) -> tuple[str, dict[str, str]]:
    """Snowplow's total has tax and shipping in it; Segment's revenue has not."""
    amounts = _texts({key: order[key] for key in ("total", "tax", "shipping")})
    parts = {key: amounts[key] for key in ("tax", "shipping") if key in amounts}
    revenue = _less(amounts["total"], list(parts.values())) if "total" in amounts else None
    currency = order["currency"] or default_currency
    return "Order Completed", _texts({"order_id": order_id, "revenue": revenue, **parts, "currency": currency})


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in values.items() if value is not None and value != ""}


def _less(total: str, parts: list[str]) -> str:
    """total minus parts, exactly; the total as it came where one of them is no number (the contract refuses it)."""
    if not parts or not all(_NUMBER.fullmatch(amount) for amount in [total, *parts]):
        return total
    rest = Decimal(total)
    for part in parts:
        rest = _EXACT.subtract(rest, Decimal(part))
    return format(rest, "f")
