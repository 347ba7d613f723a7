"""Spark builds what DuckDB builds, to the last cent; it takes the extra `[spark]` and Java."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from ingestion.books import region_file
from operations.rebuilding.engine import ModelError, engine_of
from operations.rebuilding.engine.on_duckdb import OnDuckDB
from operations.rebuilding.engine.on_spark import OnSpark
from tests.operations.rebuilding.engine.both_engines import WINDOWS, built, differences, made
from tests.operations.rebuilding.engine.dirty_region import fill_oddly

pytest.importorskip("pyspark")
pytest.importorskip("dbt.adapters.spark")
pytestmark = pytest.mark.skipif(not shutil.which("java"), reason="Spark takes Java")


def test_every_table_of_two_windows_is_the_same_on_both_engines(tmp_path):
    sides = [made(tmp_path, engine) for engine in ("duckdb", "spark")]
    for side in sides:
        built(side, seed=1)
    assert differences(*sides) == {}
    assert not list(sides[1].staging_dir.rglob("*.parquet"))  # no copy outlives its build


def test_what_many_queries_name_is_a_table_of_the_build_that_nobody_is_told_of(tmp_path):
    side, heard = made(tmp_path, "spark"), []
    with region_file(side, "eu"):
        pass
    OnDuckDB().build(side, "eu", *WINDOWS[0])
    done = OnSpark().build(side, "eu", *WINDOWS[0], ["int_orders__conversions"], heard.append)
    assert done.models == ["int_orders__conversions"]
    assert {event["data"]["node_info"]["node_name"] for event in heard} == {*done.models, *done.tests}
    with region_file(side, "eu") as con:
        kept = con.execute("select table_name from duckdb_tables() where schema_name = 'staging'").fetchall()
    assert ("stg_ledger__orders",) not in kept


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "more"),
    [
        (2, {"timezone": "UTC", "attribution": {"channel_rules": [{"channel": "It's", "source": ".*mail.*"}]}}),
        (3, {"timezone": "Africa/Cairo", "attribution": {"lookback_days": 7, "time_decay_half_life_days": 3}}),
        (4, {"timezone": "Asia/Tokyo", "reporting_currency": "USD"}),
    ],
)
def test_other_shops_and_other_rules_are_the_same_on_both_engines(tmp_path, seed, more):
    sides = [made(tmp_path, engine, **more) for engine in ("duckdb", "spark")]
    for side in sides:
        built(side, seed)
    assert differences(*sides) == {}


@pytest.mark.slow
def test_an_amount_beyond_64_bits_is_an_error_that_changes_nothing_on_both_engines(tmp_path):
    for engine in ("duckdb", "spark"):
        settings = made(tmp_path, engine)
        built(settings, seed=5, windows=WINDOWS[:1], persons=12)
        with region_file(settings, "eu") as con:
            con.execute("update raw.spend set clicks = 9223372036854775807 where spend_on >= '2026-03-01'")
            con.execute("""insert into raw.spend by name
                select * replace (line + 1000 as line, row_hash // 2 as row_hash)
                from raw.spend where spend_on >= '2026-03-01'""")  # another part of the same campaign and day
            before = con.execute("from finance.spend_daily order by all").fetchall()
        with pytest.raises(ModelError) as caught:
            engine_of(settings).build(settings, "eu", date(2026, 3, 1), date(2026, 3, 10))
        assert "9223372036854775807" not in str(caught.value)
        with region_file(settings, "eu") as con:
            assert con.execute("from finance.spend_daily order by all").fetchall() == before


@pytest.mark.slow
def test_a_warehouse_may_change_its_engine_between_two_builds(tmp_path):
    alone = made(tmp_path, "duckdb")
    built(alone, seed=6)
    mixed = made(tmp_path, "spark")
    built(mixed, seed=6, windows=WINDOWS[:1])
    OnDuckDB().build(mixed, "eu", *WINDOWS[1])
    assert differences(alone, mixed) == {}


@pytest.mark.slow
def test_nothing_at_all_and_then_a_shop_of_oddities_is_the_same_on_both_engines(tmp_path):
    sides, window = [made(tmp_path, engine) for engine in ("duckdb", "spark")], (date(2026, 3, 1), date(2026, 4, 10))
    for side in sides:
        with region_file(side, "eu"):
            pass
        engine_of(side).build(side, "eu", *window)
    assert differences(*sides) == {}
    for side in sides:
        with region_file(side, "eu") as con:
            fill_oddly(con)
        engine_of(side).build(side, "eu", *window)
    assert differences(*sides) == {}
    with region_file(sides[1], "eu", read_only=True) as con:
        for rows in (
            "orders_daily where revenue >= 10^12",
            "spend_daily where spend = 0",
            "romi_daily where roas is null",
        ):
            assert con.execute(f"from finance.{rows}").fetchall(), rows
        [(cost,)] = con.execute("select max(spend) from finance.spend_daily").fetchall()
        assert cost >= 10**12
