"""Real Snowplow events through the main job: as many sessions and conversions as Snowplow's own package publishes."""

from __future__ import annotations

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.sources.snowplow import COLUMNS

_CASES = Path(os.environ.get("ROMI_CASES") or Path(__file__).parents[3] / "shared" / "cases") / "snowplow_fractribution"
_CONFIG = """
regions: {eu: {consent_default: granted}}
topics: {snowplow: {format: snowplow}}
privacy: {k_anonymity: 1}
"""


@pytest.mark.slow  # tests/dbt/test_learned_weights.py has the case's tables
@pytest.mark.skipif(not (_CASES / "raw_events.csv").is_file(), reason="the Snowplow case is not at hand")
def test_snowplow_case_gives_its_sessions_conversions_and_last_touch(shop, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2022-08-02T00:00:00Z")
    shop.configure(_CONFIG)
    with (_CASES / "raw_events.csv").open(newline="") as file:
        events = list(csv.DictReader(file))
    # The case is the table; the enriched stream has the same columns and three more, tab-separated.
    lines = ["\t".join(event.get(name, "") for name in COLUMNS) for event in events]
    shop.archive("eu", 0, lines, topic="snowplow", suffix="tsv.gz")

    code, _ = shop.romi("run")

    assert code == 0
    with shop.region("eu") as con:
        assert con.execute("select count(*) from intermediate.int_sessions__touchpoints").fetchall() == [(97,)]
    assert shop.query("select sum(orders), sum(revenue) from finance.orders_daily") == [(6, Decimal("500.92"))]
    last_touch = shop.query("""
        select channel, sum(conversions)::integer, sum(revenue) from finance.romi_daily
        where attribution_model = 'last_touch' group by channel order by channel""")
    assert last_touch == [
        ("Direct", 4, Decimal("234.42")), ("Organic Search", 1, Decimal("66.50")),
        ("Organic Video", 1, Decimal("200.00")),
    ]  # fmt: skip
