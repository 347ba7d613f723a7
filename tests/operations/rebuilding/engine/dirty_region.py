"""A region's file with a bit of everything that engines read differently: made up, and the same for a seed."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl

FIRST, LAST = date(2026, 1, 20), date(2026, 4, 10)  # New York's clocks go on in it, and Cairo's soon after
CAMPAIGNS = [
    ("google", "cpc", "Brand", None), ("GOOGLE", "CPC", "brand", "17"), ("www.facebook", "paid", "ΟΔΟΣ Σ", None),
    ("news", "email", "It's spring", None), ("İstanbul", "İlan", "A%C4%9Fustos", None), ("bing", "cpc", None, "b%20+1"),
    ("t.co", "social", "Straße ẞ 100%", None), ("a'b", "c\\d", "back\\slash.", None), ("x", "y", "%E9t%zz", None),
    ("mail", "e-mail", "\u00a0Ünïcode\u3000", None), (None, None, None, None), (None, None, None, None),
]  # fmt: skip
HOSTS = ["shop.example", "www.shop.example", None]
REFERRERS = [None, None, "www.google.com", "paypal.com", "news.example", "bücher.example", "chatgpt.com"]
CURRENCIES = ["EUR", "EUR", "USD", "JPY", "KWD", "XXX"]
RATES = {"USD": 108_130_000, "JPY": 16_245_000_000, "KWD": 33_217_000}


def fill(con: duckdb.DuckDBPyConnection, seed: int, persons: int = 120) -> None:
    """Fill the raw tables and the books of a new region's file."""
    draw = random.Random(seed)
    events, ledger, sightings = [], [], []
    for person in range(persons):
        for row in _person(draw, person):
            events.append(row)
            if row.get("user_id") and row.get("anonymous_id") and draw.random() < 0.1:
                sightings.append({"last_seen_at": row["occurred_at"], **{name: row[name] for name in SIGHTING}})
            if row["event"] == "Order Completed" and draw.random() < 0.9:
                ledger += _booked(draw, row)
    _insert(con, "raw.events", [{"archive_id": 1, "record_offset": n, **row} for n, row in enumerate(events)])
    _insert(con, "raw.ledger_orders", [{"file": "ledger.csv", "line": n, **row} for n, row in enumerate(ledger)])
    _insert(con, "raw.spend", list(_costs(draw)))
    _insert(con, "ops.past_sightings", sightings)
    days = [FIRST + timedelta(days=n) for n in range(0, (LAST - FIRST).days, 3)]
    rates = [{"rate_on": day, "currency": code, "rate_e8": rate + draw.randrange(999)}
             for day in days for code, rate in RATES.items()]  # fmt: skip
    _insert(con, "raw.fx_rates", rates)
    settled = list(dict.fromkeys(row["order_id"] for row in ledger))[:3]  # an order of items has a row for each
    _insert(con, "ops.settled_orders", [
        {"order_id": order, "buyer_id": _uuid(draw), "segment": segment, "path": path}
        for order, segment, path in zip(
            settled, ("new", "repeat", "new"), (["Email", "Direct", "Email"], ["Direct"], None), strict=True)
    ])  # fmt: skip
    path = ["Paid Search", "Email"]
    _insert(con, "ops.settled_paths", [{"month": date(2026, 3, 1), "path": path, "non_conversions": 7}])


SIGHTING = ("message_id", "message_order", "occurred_at", "anonymous_id", "user_id")


def _uuid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128)))


def _person(draw: random.Random, number: int) -> Iterator[dict[str, Any]]:
    devices, user = [_uuid(draw) for _ in range(draw.randint(1, 2))], _uuid(draw)
    at = datetime.combine(FIRST, datetime.min.time()) + timedelta(hours=draw.randrange(24 * 30))
    for step in range(draw.randint(1, 12)):
        at += timedelta(minutes=draw.choice([0, 5, 29, 31, 60 * 24, 60 * 24 * 9]), microseconds=draw.randrange(3))
        source, medium, name, campaign_id = draw.choice(CAMPAIGNS)
        visit = {
            "message_id": _uuid(draw), "message_order": _uuid(draw), "type": "page", "event": None, "occurred_at": at,
            "anonymous_id": draw.choice(devices), "user_id": user if draw.random() < 0.3 else None,
            "campaign_source": source, "campaign_medium": medium, "campaign_name": name, "campaign_id": campaign_id,
            "page_host": draw.choice(HOSTS), "referrer_host": draw.choice(REFERRERS), "is_anonymised": False,
        }  # fmt: skip
        yield visit
        if draw.random() < 0.25:
            revenue = draw.choice([0, 1, 99, 1999, 20_000_001, draw.randrange(10**6)])
            order = {
                **visit, "message_id": _uuid(draw), "type": "track", "event": "Order Completed",
                "order_id": f"o'{number}-{step}-ö", "currency": draw.choice(CURRENCIES), "revenue_minor": revenue,
                "tax_minor": revenue // 5, "shipping_minor": draw.choice([None, 490]), "occurred_at": at,
            }  # fmt: skip
            yield order
            if draw.random() < 0.3:
                yield {
                    **order, "message_id": _uuid(draw), "event": "Order Refunded", "revenue_minor": None,
                    "total_minor": draw.choice([None, revenue // 3, revenue * 2]),
                    "occurred_at": at + timedelta(days=2),
                }  # fmt: skip


def _booked(draw: random.Random, order: dict[str, Any]) -> list[dict[str, Any]]:
    at = order["occurred_at"] + timedelta(minutes=draw.choice([0, 0, 180]))
    row = {
        "order_id": order["order_id"], "ordered_at": at, "status": draw.choice(["completed"] * 9 + ["cancelled"]),
        "revenue_minor": order["revenue_minor"], "refunded_minor": draw.choice([0, 0, order["revenue_minor"] // 2]),
        "cogs_minor": draw.choice([None, order["revenue_minor"] // 3]), "currency": order["currency"],
        "updated_at": at, "item_hash": None,
    }  # fmt: skip
    if draw.random() < 0.1:
        half = {**row, "revenue_minor": row["revenue_minor"] // 2}
        return [{**half, "item_hash": str(draw.getrandbits(64))} for _ in range(2)]
    return [row]


def _costs(draw: random.Random) -> Iterator[dict[str, Any]]:
    names = ["Brand", "\u00a0Brand ", "It's spring", "ΟΔΟΣ Σ", "Shopping Ünï", "(redacted)", None, ""]
    for number in range((LAST - FIRST).days):
        for platform, campaign in (("google_ads", "17"), ("meta_ads", "m'1"), ("x_ads", "B 1")):
            yield {
                "file": f"{platform}.csv", "line": number, "platform": platform,
                "spend_on": FIRST + timedelta(days=number), "campaign_id": campaign,
                "campaign_name": draw.choice(names),
                "channel": draw.choice([None, None, "Display"]),
                "impressions": draw.choice([None, 1000]), "clicks": draw.randrange(99),
                "spend_minor": draw.randrange(100_000), "spend_rest": draw.randrange(9) * 10**9,
                "currency": draw.choice(["EUR", "USD", "JPY"]) if platform == "x_ads" else "EUR",
                "row_hash": str(draw.getrandbits(64)), "entity_hash": str(draw.getrandbits(64)), "extracted_at": None,
            }  # fmt: skip


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    con.register("filling", frame.to_arrow())
    con.execute(f"insert into {table} by name select * from filling")
    con.unregister("filling")


NIGHTS = [datetime(2026, 3, 8, 4, 30), datetime(2026, 3, 29, 0, 0), datetime(2026, 3, 31, 23, 30)]  # UTC; of many zones
WORDS = ["", " ", "'", "It''s", "None", "null", "NULL", "nan", "\\", "ΟΔΟΣ Σ", "İ", "日本語", "🧵", "a\u0301", "%zz"]
MOST = 10**14  # cents: the most that an order may be worth, so that one more has no worth


def fill_oddly(con: duckdb.DuckDBPyConnection) -> None:
    """Fill a new region's file with what is at an edge: words, nights, amounts and rates, with most days empty."""
    draw = random.Random(1)
    visits = [_odd_visit(draw, night + timedelta(minutes=20 * n), word)
              for night in NIGHTS for n, word in enumerate(WORDS)]  # fmt: skip
    amounts = [0, 1, 3, 7, MOST, MOST + 1, None]
    orders = [
        {**visit, "message_id": _uuid(draw), "type": "track", "event": "Order Completed", "currency": currency,
         "order_id": f"{visit['campaign_name'] or 'o'}{number}", "revenue_minor": amounts[number % len(amounts)],
         "occurred_at": visit["occurred_at"] + timedelta(minutes=1)}
        for number, (visit, currency) in enumerate(zip(visits, ["EUR", "EUR", "JPY", "KWD"] * 99, strict=False))
    ]  # fmt: skip
    rows = enumerate([*visits, *orders])
    _insert(con, "raw.events", [{"archive_id": 1, "record_offset": n, **row} for n, row in rows])
    _insert(con, "raw.ledger_orders", [
        {"file": "ledger.csv", "line": n, "order_id": one["order_id"], "ordered_at": one["occurred_at"],
         "status": "completed", "revenue_minor": one["revenue_minor"] or 0, "refunded_minor": 0,
         "cogs_minor": one["revenue_minor"], "currency": one["currency"], "updated_at": one["occurred_at"],
         "item_hash": None}
        for n, one in enumerate(orders[::2])
    ])  # fmt: skip
    _insert(con, "raw.spend", [
        {"file": "x.csv", "line": n, "platform": "x_ads", "spend_on": (night + timedelta(days=7)).date(),
         "campaign_id": word, "campaign_name": word, "channel": word or None, "impressions": 0, "clicks": 0,
         "spend_minor": [0, 0, MOST][n % 3], "spend_rest": [0, 999_999_999, 500_000_000][n % 3], "currency": "EUR",
         "row_hash": str(draw.getrandbits(64)), "entity_hash": str(draw.getrandbits(64)), "extracted_at": None}
        for night in NIGHTS for n, word in enumerate(WORDS)
    ])  # fmt: skip
    rates = {"JPY": 2**53 + 1, "KWD": 1}  # a yen is next to nothing, a dinar a hundred million
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days)]
    quoted = [{"rate_on": day, "currency": code, "rate_e8": rate} for day in days for code, rate in rates.items()]
    _insert(con, "raw.fx_rates", quoted)


def _odd_visit(draw: random.Random, at: datetime, word: str) -> dict[str, Any]:
    return {
        "message_id": _uuid(draw), "message_order": _uuid(draw), "type": "page", "event": None, "occurred_at": at,
        "anonymous_id": _uuid(draw), "user_id": None, "campaign_source": word, "campaign_medium": word,
        "campaign_name": word, "campaign_id": None, "page_host": "shop.example", "referrer_host": None,
        "is_anonymised": False,
    }  # fmt: skip
