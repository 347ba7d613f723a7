"""Spend, the ledger and GA4's export as Parquet: the same rows as from CSV and from JSON lines."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from settings import Region, Topic
from tests.ingestion.conftest import Zone

SPEND = {
    "date": date(2026, 3, 1),
    "campaign_id": 7,
    "campaign_name": "Spring",
    "impressions": 10,
    "clicks": 2,
    "spend": Decimal("12.345"),
    "currency": "EUR",
}
ORDER = {
    "order_id": "A-1",
    "ordered_at": datetime(2026, 3, 1, 10),
    "status": "completed",
    "revenue": Decimal("9.99"),
    "refunded": Decimal(0),
    "cogs": None,
    "currency": "EUR",
    "updated_at": datetime(2026, 3, 2, tzinfo=UTC),
}
GA4 = {
    "event_date": "20260301",
    "event_timestamp": 1772359200000000,
    "event_name": "purchase",
    "user_pseudo_id": "p.1",
    "event_params": [
        {"key": "currency", "value": {"string_value": "EUR", "int_value": None, "double_value": None}},
        {
            "key": "page_location",
            "value": {"string_value": "https://shop.example/", "int_value": None, "double_value": None},
        },
    ],
    "privacy_info": {"analytics_storage": "Yes", "ads_storage": "Yes"},
    "ecommerce": {"transaction_id": "T-1", "purchase_revenue": 19.99, "tax_value": 3.8},
}


def table(*rows: dict) -> pa.Table:
    return pa.Table.from_struct_array(pa.array(rows))


def test_spend_is_read_alike_from_either(zone):
    zone.parquet(table(SPEND), "spend/google_ads/a.parquet")
    zone.put("eu/spend/google_ads/b.csv", ",".join(SPEND) + "\n" + ",".join(map(str, SPEND.values())) + "\n")
    zone.load()
    rows = zone.query("select * exclude (file, line, delivery, delivery_order, row_hash) from raw.spend")
    assert len(rows) == 2
    assert rows[0] == rows[1]
    assert zone.query("select line, spend_minor from raw.spend order by line") == [(1, 1234), (2, 1234)]


def test_a_platforms_own_nested_columns_are_read_as_they_are(zone):
    row = {
        "segments": {"date": "2026-03-01"},
        "customer": {"currency_code": "EUR"},
        "campaign": {"id": 5, "name": "x"},
        "metrics": {"cost_micros": 1_500_000, "clicks": 1, "impressions": 2},
    }
    zone.parquet(table(row), "spend/google_ads/a.parquet")
    zone.load()
    assert zone.query("select campaign_id, spend_minor, clicks from raw.spend") == [("5", 150, 1)]


def test_moments_without_an_offset_are_the_regions_local_time(tmp_path):
    zone = Zone(tmp_path, regions={"eu": Region(timezone="Europe/Berlin")})
    zone.parquet(table(ORDER), "ledger/a.parquet")
    zone.load()
    ordered_at, updated_at = datetime(2026, 3, 1, 9), datetime(2026, 3, 2)
    assert zone.query("select ordered_at, updated_at, revenue_minor, cogs_minor from raw.ledger_orders") == [
        (ordered_at, updated_at, 999, None)
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"spend": float("nan")}, "missing_field"),
        ({"spend": [1]}, "invalid_money"),
        ({"date": 5}, "invalid_timestamp"),
        ({"currency": True}, "unknown_currency"),
        ({"spend": None}, "missing_field"),
        ({"campaign_id": 1.2e17}, "imprecise_id"),
        ({"currency": b"\xff"}, "invalid_encoding"),
    ],
    ids=str,
)
def test_a_row_of_other_types_is_a_dead_letter(zone, change, reason):
    zone.parquet(table(SPEND | change), "spend/google_ads/a.parquet")
    zone.load()
    assert zone.query("select reason, records from ops.fates") == [(reason, 1)]


@pytest.mark.parametrize("content", ["cut", "columns"])
def test_a_file_that_is_no_table_of_its_kind_is_corrupt_and_keeps_what_was_there(zone, content):
    path = zone.parquet(table(SPEND), "spend/google_ads/a.parquet")
    zone.load()
    if content == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        zone.parquet(pa.table({"x": [1]}), "spend/google_ads/a.parquet")
    assert len(zone.load().corrupt) == 1
    assert zone.query("select count(*) from raw.spend") == [(1,)]


def test_ga4s_nested_rows_are_read_alike_from_parquet_and_json_lines(tmp_path):
    facts = []
    for folder, suffix in (("a", "json"), ("b", "parquet")):
        zone = Zone(tmp_path / folder, topics={"web": Topic(format="ga4")})
        if suffix == "json":
            zone.archive(json.dumps(GA4))
        else:
            zone.parquet(table(GA4))
        zone.load()
        assert zone.fates() == {"read": 1, "loaded": 1}
        facts.append(zone.facts()["events"])
    assert facts[0] == facts[1]
