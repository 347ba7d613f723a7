"""The same made-up region on either engine, built and compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from ingestion.books import region_file
from operations.rebuilding.engine import Event, engine_of
from settings import Settings
from tests.operations.rebuilding.engine.dirty_region import fill

PLAINLY = {  # few rows are not worth compiling for, by Spark or by Java, nor are plans worth long thoughts
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.lightweightPlanChangeValidation": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC",
}
WINDOWS = [(date(2026, 2, 1), date(2026, 3, 10)), (date(2026, 3, 5), date(2026, 4, 10))]


def made(folder: Path, engine: str, **more) -> Settings:
    """The configuration of a warehouse on an engine."""
    spark = {"master": "local[2]", "memory": "1g", "shuffle_partitions": 2, "settings": PLAINLY}
    return Settings(
        warehouse=folder / engine, engine=engine, spark={**spark, **more.pop("spark", {})},
        regions={"eu": {"timezone": more.pop("timezone", "America/New_York")}}, privacy={"k_anonymity": 3}, **more,
    )  # fmt: skip


def built(
    settings: Settings, seed: int, windows=WINDOWS, persons: int = 60,
    on_event: Callable[[Event], None] = lambda _: None,
) -> None:  # fmt: skip
    with region_file(settings, "eu") as con:
        fill(con, seed, persons)
    for first, last in windows:
        engine_of(settings).build(settings, "eu", first, last, on_event=on_event)
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
