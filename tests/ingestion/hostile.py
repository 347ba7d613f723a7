"""Inputs nobody should send, some thousand of them: (name below the region's folder, content)."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from tests.ingestion.strategies import order, page

WRONG: list[Any] = [
    None, "", " ", 0, -1, 1.5, True, False, [], [1], {}, {"a": 1}, "x" * 5000, "\x00", "\ud800", 10**400,
    "2026-13-40T99:99:99Z", "NaN", "1e999999999", "-5", "\uff11\uff12", "'; drop table raw.events; --",
]  # fmt: skip
PATHS = (
    "messageId", "type", "event", "anonymousId", "userId", "timestamp", "receivedAt", "context", "context.campaign",
    "context.campaign.source", "context.page", "context.page.url", "context.userAgent", "context.consent",
    "context.consent.categoryPreferences.Analytics", "properties", "properties.order_id", "properties.revenue",
    "properties.currency", "properties.tax", "unknown",
)  # fmt: skip
GOOD = json.dumps(page()).encode()
LINES: list[bytes] = [
    b"", b"{", b"}", b"[]", b"null", b"5", b'"x"', b"\x00", b"\x00" * 100, b"\xff\xfe", b"\xef\xbb\xbf" + GOOD,
    GOOD + GOOD, GOOD[:-1], GOOD + b",", GOOD.replace(b":", b"="), GOOD.decode().encode("utf-16"), b"NaN",
    b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"[" * 10_000,
    GOOD[:-1] + b',"properties":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    GOOD[:-1] + b',"messageId":"second","messageId":5}', GOOD[:-1] + b',"n":' + b"9" * 5000 + b"}",
    GOOD[:-1] + b',"n":1e99999999999}', b"x" * (1 << 20) + b"x", GOOD[:-1] + b',"pad":"' + b"x" * (1 << 20) + b'"}',
    b"\r", b"\x0c", b"\x1a", b"\xed\xa0\x80", b"id,name\n1,2", b"<xml/>", b"%PDF-1.7", b"PAR1", b"\x1f\x8b\x08",
]  # fmt: skip
NAMES = [
    "it's",
    'a"b',
    "a\nb",
    "a*b?[c]",
    "$path",
    "{a,b}",
    "%41",
    "a b",
    "x..",
    "ünï",
    "-rf",
    "x" * 150,
]


def inputs(seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """At least 1,000, under names that are all different."""
    rng = random.Random(seed)
    for number, content in enumerate(_contents(rng)):
        suffix, data = content
        topic = NAMES[number % len(NAMES)] if number % 7 == 0 else "web"
        yield f"events/topics/{topic}/partition=0/{topic}+0+{number * 100}.{suffix}", data
    for number, data in enumerate(_tables(rng)):
        yield f"spend/google_ads/{number}.csv", data
        yield f"ledger/{number}.csv", data


def _contents(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    for line in LINES:
        yield "json", line
        yield "json", b"\n".join([GOOD, line, GOOD])
    for path in PATHS:
        for start in (page, order):
            yield "json", b"\n".join(_line(_changed(start(), path, value)) for value in WRONG)
            yield from (("json", _line(_changed(start(), path, value))) for value in WRONG[::3])
    plain = b"\n".join([GOOD, *LINES[:12], GOOD])
    for suffix, packed in (("json.gz", gzip.compress(plain)), ("json.zst", pa.compress(plain, "zstd", asbytes=True))):
        yield from ((suffix, data) for data in _damaged(rng, packed))
    for table in _odd_tables():
        written = io.BytesIO()
        pq.write_table(table, written)
        yield "parquet", written.getvalue()
        yield from (("parquet", data) for data in _damaged(rng, written.getvalue(), 12))


def _line(record: Any) -> bytes:
    return json.dumps(record).encode()


def _changed(record: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *parents, last = path.split(".")
    inner = record
    for name in parents:
        inner = inner.setdefault(name, {})
    inner[last] = value
    return record


def _damaged(rng: random.Random, packed: bytes, times: int = 60) -> Iterator[bytes]:
    yield from (b"", packed, packed + packed, packed + b"garbage", b"garbage" + packed, packed + packed[:-1])
    for _ in range(times):
        yield packed[: rng.randrange(len(packed))]
        place = rng.randrange(len(packed))
        yield packed[:place] + bytes([rng.randrange(256)]) + packed[place + 1 :]


def _odd_tables() -> Iterator[pa.Table]:
    yield pa.Table.from_struct_array(pa.array([page(), order(messageId="o")]))
    yield pa.table({"value": [GOOD.decode(), None, "", "{", "[1]", "\0"]})
    yield pa.table({"value": pa.array([GOOD, b"\xff", None])})
    yield pa.table({"value": [1, 2]})
    yield pa.table({"x": pa.nulls(3)})
    yield pa.table({"messageId": pa.array([], pa.string())})
    texts = pa.array([["x"]])
    odd = [pa.array([5], pa.int64()).cast(kind) for kind in (pa.int8(), pa.float64(), pa.timestamp("ns"))]
    odd += [pa.array([5], pa.int32()).cast(pa.date32()), pa.array([Decimal("0.5")], pa.decimal128(38, 9)), texts]
    for array in odd:
        for name in ("messageId", "type", "timestamp", "context", "properties"):
            yield pa.table({key: pa.array([item]) for key, item in page().items()} | {name: array})


def _tables(rng: random.Random) -> Iterator[bytes]:
    header = b"date,campaign_id,spend,currency,order_id,ordered_at,status,revenue,updated_at\n"
    good = b"2026-03-01,c,1,EUR,A-1,2026-03-01,completed,5,2026-03-02\n"
    yield from (b"", b"\n", header, b"\xff" + header, good, header + b'"' + good, header + b"\x00" * 50)
    yield header + b"x" * 200_000 + b"\n"
    for _ in range(60):
        cells = good.strip().split(b",")
        cells[rng.randrange(len(cells))] = _line(rng.choice(WRONG)).replace(b"\n", b"")
        yield header + good + b",".join(cells) + b"\n"
