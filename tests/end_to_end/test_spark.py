"""`romi run` on Spark publishes what it does on DuckDB; it takes the extra `[spark]` and Java."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from operations import sample_shop
from tests.end_to_end.conftest import Shop

pytest.importorskip("pyspark")
pytest.importorskip("dbt.adapters.spark")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("java"), reason="Spark takes Java")]


def test_a_run_on_spark_publishes_the_same_tables(shop):
    published = {}
    for engine in ("duckdb", "spark"):
        one = Shop(shop.folder / engine)
        one.configure(f"{sample_shop.config_yaml()}\nengine: {engine}\nprivacy: {{k_anonymity: 1}}\n")
        sample_shop.write_landing(one.landing, until=date(2026, 3, 19), days=4, events=600, regions=("eu",), dirt=0.02)
        code, outcome = one.romi("run")
        assert (code, outcome["failures"]) == (0, [])
        published[engine] = one.rows()
    assert published["spark"]["romi_daily"]
    assert published["spark"] == published["duckdb"]
