"""Lines of archives, clean and dirty: a clean record whose text is spoilt in a few places."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

NOW = datetime(2026, 3, 10, 12)

# JSON texts, right and wrong, that may stand where any value is read.
_ODD = [
    "null", '""', '" "', '"true"', '"null"', '"5"', '"5 apples"', '"-x"', '"[x"', '"nan"', '"Infinity"', '" x "',
    '"caf\\u00e9"', '"café 😀"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\u0000"', '"a\\u0000b"', '"a\\/b"', '"\\"q\\""',
    '"\\\\"', '"tab\\there"', '"it\'s"', '"a,]b"', '"x: NaN,"', '"\\u0041"', "5", "0", "-0.0", "1.50", "1e2",
    "1E+400", "12345678901234567890123",
    "true", "false", "[]", "{}", '["x"]', '{"a":1}', "[1,]", '{"a":1,}', "NaN", "-Infinity", "nAn", "inf", "[NaN]",
    '{"a": nan }',
    "nul", "'x'", "01", ".5", "[" * 1500 + "]" * 1500,
]  # fmt: skip
_MOMENTS = [
    '"2026-03-10T10:00:00Z"', '"2026-03-10t10:00:00z"', '"2026-03-10 10:00:00.5+02:00"', '"2026-03-10T10:00:00"',
    '"2026-03-10T10:00:00.123456789-05:30"', '"2026-02-30T10:00:00Z"', '"2026-03-10T24:00:00Z"',
    '"2026-03-10T23:59:60Z"',
    '"2026-03-10T10:00:00-00:00"', '"2026-03-10T10:00:00+24:00"', '"2026-03-11T12:00:00Z"',
    '"2026-03-11T12:00:00.000001Z"',
    '"2027-01-01T00:00:00Z"', '"0001-01-01T00:00:00+05:00"', '"9999-12-31T23:59:59-05:00"', '"0000-01-01T00:00:00Z"',
    '"2026-03-10T10:00:00+2:00"', '"2026-03-10T10:00:00+0200"', '"2026-03-10"', '"2026-03-10T10:00Z"',
    '"2026-03-10T10:00:00,5Z"',
    '"2026-03-10T10:00:00Z\\n"', '"\\uff12026-03-10T10:00:00Z"', '"+02026-03-10T10:00:00Z"', "1773136800",
]  # fmt: skip
_MONEY = [
    '"12.345"',
    "12.3450000000000000000000000001",
    '"-1"',
    "-0.01",
    '"1e3"',
    '"abc"',
    '"1,5"',
    '"1.234,50 €"',
    "99999999999999999",
    '" 7 "',
]
_NAMES = ['"EUR"', '"eur"', '"JPY"', '"XXQ"', '"KWD"', '"Order Completed"', '"Order Refunded"', '"Order Cancelled"',
    '"order_completed"', '"Experiment Viewed"', '"Signed Up"', '"track"', '"page"',
          '"alias"', '"Track"', '" PAGE "', '"TRAC\u212a"', '"page\\t"']  # fmt: skip
_CONSENTS = [
    "{}",
    '{"Analytics":true}',
    '{"analytics":false}',
    '{"C0002":true,"C0004":false}',
    '{"Analytics":true,"c0002":false}',
    '{"analytics_storage":"granted"}',
    '{"Analytics":null}',
    '["C0002"]',
    '{"Analytics":"maybe"}',
    '{"ANALYTICS":true}',
    '{"categoryPreferences":{"performance":true}}',
    '{"allowedConsentIds":["C0002"],"deniedConsentIds":["C0004"]}',
    '{"deniedConsentIds":["c0002"]}',
    '{"allowedConsentIds":5}',
    '{"Analytics":true,"Analytics":false}',
]
_URLS = [
    '"https://shop.example/p?utm_source=news%20letter&utm_medium=e+mail&utm_campaign=x#utm_source=no"',
    '"https://shop.example/?gclid=abc&utm_term=t"', '"http://user:pass@Shop.Example:8080/"', '"/relative"',
    '"https://[::1]/"',
]  # fmt: skip


def page(**changes: Any) -> dict[str, Any]:
    """A page view, complete and clean."""
    return {
        "messageId": "m-1", "type": "page", "anonymousId": "a-1", "userId": "u-1",
        "timestamp": "2026-03-10T10:00:00.000Z", "receivedAt": "2026-03-10T10:00:01.000Z",
        "context": {
            "campaign": {"source": "google", "medium": "cpc", "name": "brand", "id": "c-7"},
            "page": {"url": "https://shop.example/p", "referrer": "https://search.example/", "title": "A page"},
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
            "consent": {"categoryPreferences": {"Analytics": True, "Advertising": False}},
        },
        "properties": {"path": "/p"},
    } | changes  # fmt: skip


def order(event: str = "Order Completed", **changes: Any) -> dict[str, Any]:
    """A commerce track, complete and clean."""
    properties = {"order_id": "o-1", "revenue": 10.5, "tax": "1.99", "shipping": 0, "currency": "EUR", "total": "5.00"}
    return page(type="track", event=event, properties=properties) | changes


def experiment(**changes: Any) -> dict[str, Any]:
    """A track that says which variation of an experiment was shown, and where."""
    shown = {"experiment_id": "e-1", "experiment_name": "Checkout", "variation_id": "v-2", "variation_name": "Short"}
    context = page()["context"] | {"location": {"region": "Bavaria", "country": "DE", "city": "Passau"}}
    return page(type="track", event="Experiment Viewed", context=context, properties=shown) | changes


def at(moment: datetime) -> str:
    return moment.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")


def _texts(value: Any) -> Any:
    """The record with JSON texts for leaves and lists of (key, value) for objects, so that it can be spoilt."""
    if isinstance(value, dict):
        return [(json.dumps(key), _texts(part)) for key, part in value.items()]
    return json.dumps(value)


def _render(value: Any, comma: str, colon: str) -> str:
    if isinstance(value, str):
        return value
    return "{" + comma.join(key + colon + _render(part, comma, colon) for key, part in value) + "}"


def _objects(tree: list[Any]) -> list[list[Any]]:
    return [tree] + [found for _, part in tree if isinstance(part, list) for found in _objects(part)]


_NUMBERS = [*"07", "-7", "123456789012345678", "12345678901234567890123", "5.0", "1e3"]
_KEYS = ['"consentManagement"', '"isBot"', '"payload"', '"value"', '"schema"', '"products"', '"subtotal"', '"url"',
         '"currencyCode"', '"amount"']  # fmt: skip
_VALUES = (
    st.sampled_from(_ODD)
    | st.sampled_from(_CONSENTS)
    | st.sampled_from(_NUMBERS)
    | st.sampled_from(_ODD + _MOMENTS + _MONEY + _NAMES + _URLS)
)


@st.composite
def spoilt_records(draw: st.DrawFn) -> str:
    """The text of a record: mostly clean, spoilt in up to three places."""
    number = draw(st.integers(0, 5))
    base = draw(
        st.sampled_from(
            [
                page,
                page,
                experiment,
                order,
                lambda **c: order("Order Refunded", **c),
                lambda **c: order("Order Cancelled", **c),
            ]
        )
    )
    tree = copy.deepcopy(_texts(base(messageId=f"m-{number}", timestamp=at(NOW - timedelta(hours=number)))))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(_objects(tree)))
        if not place:
            continue
        index = draw(st.integers(0, len(place) - 1))
        key, value = place[index]
        change = draw(
            st.sampled_from(["set", "set", "set", "moment", "drop", "before", "after", "escape", "case", "new"])
        )
        odd = draw(st.sampled_from(_MOMENTS) if "timestamp" in key or "receivedAt" in key else _VALUES)
        if change in ("set", "moment"):
            place[index] = (key, odd)
        elif change == "drop":
            del place[index]
        elif change == "new":
            place.insert(index, (draw(st.sampled_from(_KEYS)), odd))
        elif change in ("before", "after"):
            place.insert(index + (change == "after"), (key, odd))
        elif change == "escape":
            place[index] = (f'"\\u{ord(key[1]):04x}{key[2:]}', value)
        else:
            place[index] = (key.upper(), value)
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " : "), (",\r", ":")]))
    return _render(tree, comma, colon)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A line of an archive, without its end; rarely one that holds no object, no JSON, no UTF-8 or nothing."""
    line = draw(spoilt_records()).encode("utf-8", "surrogatepass")
    spoil = draw(st.sampled_from(["", "", "", "", "cut", "garbage", "bytes", "blanks", "other", "bom", "envelope"]))
    if spoil == "envelope":
        return draw(st.sampled_from([b'{"schema":{},"payload":', b'{"value":', b'{"op":"c","after":'])) + line + b"}"
    if spoil == "cut":
        return line[: draw(st.integers(1, len(line) - 1))]
    if spoil == "garbage":
        return line + draw(st.sampled_from([b"x", b"{}", b",", b"]", b"\x00", b"\xc2\xa0", b" // c"]))
    if spoil == "bytes":
        place = draw(st.integers(0, len(line)))
        return (
            line[:place]
            + draw(st.sampled_from([b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\x01", b"\t", b"\x00"]))
            + line[place:]
        )
    if spoil == "blanks":
        return (
            draw(st.sampled_from([b" ", b"\t", b"\r", b"\x0c", b"\x0b"]))
            + line
            + draw(st.sampled_from([b" ", b"\r", b"\x0c"]))
        )
    if spoil == "other":
        return draw(
            st.sampled_from([b"", b" \t", b"\r", b"\x0c", b"[]", b"null", b"5", b'"x"', b"NaN", b"{", b"{}", b"[{}]"])
        )
    return b"\xef\xbb\xbf" + line if spoil == "bom" else line
