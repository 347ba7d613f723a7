"""Spark builds what DuckDB builds, to the last cent; it takes the extra `[spark]` and Java."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from ingestion.books import region_file
from operations.rebuilding.engine import ModelError, engine_of
from operations.rebuilding.engine.on_duckdb import OnDuckDB
from settings import Settings
from tests.operations.rebuilding.engine.dirty_region import fill

pytest.importorskip("pyspark")
pytest.importorskip("dbt.adapters.spark")
pytestmark = pytest.mark.skipif(not shutil.which("java"), reason="Spark takes Java")

PLAINLY = {  # few rows are not worth compiling for, by Spark or by Java, nor are plans worth long thoughts
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.lightweightPlanChangeValidation": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
WINDOWS = [(date(2026, 2, 1), date(2026, 3, 10)), (date(2026, 3, 5), date(2026, 4, 10))]


def made(folder: Path, engine: str, **more) -> Settings:
    """The configuration of a warehouse on an engine."""
    spark = {"master": "local[2]", "memory": "1g", "shuffle_partitions": 2, "settings": PLAINLY}
    return Settings(
        warehouse=folder / engine, engine=engine, spark={**spark, **more.pop("spark", {})},
        regions={"eu": {"timezone": more.pop("timezone", "America/New_York")}}, privacy={"k_anonymity": 3}, **more,
    )  # fmt: skip


def built(settings: Settings, seed: int, windows=WINDOWS, persons: int = 60) -> None:
    with region_file(settings, "eu") as con:
        fill(con, seed, persons)
    for first, last in windows:
        engine_of(settings).build(settings, "eu", first, last)
        with region_file(settings, "eu") as con:  # what the first window built is final to the second
            days = "select day, 1, null, 'test', true from range(?::date, ?::date, interval 1 day) as days(day)"
            con.execute(f"insert into ops.days {days} on conflict do nothing", [first, date(2026, 2, 10)])


def differences(one: Settings, other: Settings) -> dict[str, tuple[int, int]]:
    """Rows of each stored table that only one of two warehouses has, where there are any."""
    found = {}
    with region_file(one, "eu", read_only=True) as left, region_file(other, "eu", read_only=True) as right:
        tables = left.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
            " where schema_name in ('staging', 'intermediate', 'finance') order by all"
        ).fetchall()
        assert tables
        for (table,) in tables:
            theirs = right.execute(f"from {table}").to_arrow_table()
            left.register("theirs", theirs)
            [counts] = left.execute(f"""
                select (select count(*) from (from {table} except all from theirs)),
                    (select count(*) from (from theirs except all from {table}))""").fetchall()
            if any(counts):
                found[table] = counts
    return found


def test_every_table_of_two_windows_is_the_same_on_both_engines(tmp_path):
    sides = [made(tmp_path, engine) for engine in ("duckdb", "spark")]
    for side in sides:
        built(side, seed=1)
    assert differences(*sides) == {}
    assert not list(sides[1].staging_dir.rglob("*.parquet"))  # no copy outlives its build


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
