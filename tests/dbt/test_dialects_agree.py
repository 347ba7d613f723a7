# ruff: noqa: RUF001 letters that look alike are what it is about
"""Each macro of the dialects gives the same of odd values on DuckDB and on Spark, or an error on both."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import jinja2
import polars as pl
import pytest

from operations.rebuilding.engine import spark_tables
from operations.rebuilding.engine.spark_session import session
from settings import Settings

pytest.importorskip("pyspark")
pytest.importorskip("dbt.adapters.spark")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("java"), reason="Spark takes Java")]

DIALECTS = Path(__file__).parents[2] / "dbt_project" / "dialects"
PLAINLY = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
Said = Callable[[Any], str]  # what a dialect's macros say


def dialect(engine: str, timezone: str = "UTC") -> Any:
    text = "".join((DIALECTS / engine / name).read_text() for name in ("dialect.sql", "lists.sql"))
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["var"] = lambda name: {"timezone": timezone}[name]
    return environment.from_string(text).module


@dataclass
class Engines:
    """Both of them, with the same tables."""

    con: duckdb.DuckDBPyConnection
    spark: Any
    folder: Path

    def table(self, name: str, frame: pl.DataFrame) -> None:
        self.con.register("frame", frame.to_arrow())
        self.con.execute(f"create table {name} as from frame")
        self.con.unregister("frame")
        file = self.folder / "in" / name / "part.parquet"
        spark_tables.write(self.con, name, spark_tables.columns_read(self.con, name), file)
        spark_tables.take(self.spark, "raw", name, file)

    def differences(self, table: str, key: str, said: dict[str, Said], timezone: str = "UTC") -> dict[str, list[Any]]:
        """Of each expression over a table, the rows of which the engines say something else."""
        columns = {
            engine: ", ".join(f"{one(dialect(engine, timezone))} as c{n}" for n, one in enumerate(said.values()))
            for engine in ("duckdb", "spark")
        }
        self.spark.sql("drop table if exists raw.found")
        self.spark.sql(f"create table raw.found using parquet as select {key}, {columns['spark']} from raw.{table}")
        self.con.execute(f"create or replace temp table here as select {key}, {columns['duckdb']} from {table}")
        there = spark_tables.rows(self.spark, "raw", "found")
        found = {
            name: self.con.execute(f"""
                select here.{key}, cast(here.c{n} as varchar) as a, cast(there.c{n} as varchar) as b
                from here inner join {there} as there on here.{key} is not distinct from there.{key}
                where a is distinct from b order by 1""").fetchall()
            for n, name in enumerate(said)
        }  # fmt: skip
        return {name: rows for name, rows in found.items() if rows}

    def fail(self, said: Said, source: str = "") -> tuple[str, str]:
        """What either says of an expression that it cannot work out."""
        with pytest.raises(duckdb.Error) as here:
            self.con.execute(f"select {said(dialect('duckdb'))} {source}").fetchall()
        with pytest.raises(Exception, match="SQLSTATE: 22") as there:
            self.spark.sql(f"select {said(dialect('spark'))} {source}").collect()
        return type(here.value).__name__, str(there.value).partition("]")[0].lstrip("[")


@pytest.fixture(scope="module")
def engines(tmp_path_factory) -> Iterator[Engines]:
    folder = tmp_path_factory.mktemp("engines")
    spark = {"memory": "1g", "shuffle_partitions": 1, "settings": PLAINLY}
    with session(Settings(spark=spark), "eu", folder / "spark") as made, duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        yield Engines(con, made, folder)


# Letters that Spark's Unicode has a small form of and DuckDB's has not: of 2024 and later, and two of 2021.
NEWEST = {0x1C89, *range(0xA7CB, 0xA7DD), *range(0x10D50, 0x10D66), *range(0x16EA0, 0x16EB9)}


def test_every_letter_is_the_same_in_small_without_blanks_and_under_a_pattern(engines):
    # But for the letter that stands for the Turkish one meanwhile, which is for nobody's use.
    codes = [code for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF and code != 0xE131]
    engines.table("letters", pl.DataFrame({"code": codes, "t": [chr(code) for code in codes]}))
    patterns = [*"ksßσiıéǆſIЯ.'", "[a-z]", "[^a-z]", "[^s]", r"\w", r"\d"]
    found = engines.differences("letters", "code", {
        "small": lambda say: say.lower_case("t"),
        "trimmed": lambda say: say.trimmed("concat('x', t)"),
        **{one: lambda say, one=one: say.matches_whole(say.lower_case("t"), one) for one in patterns},
    })  # fmt: skip
    assert {code for code, *_ in found.pop("small", [])} <= NEWEST
    assert found == {}


TEXTS = [
    None, "", " ", "\u00a0Ünïcode\u3000", "it's", "ΟΔΟΣ Σ", "İstanbul", "kırmızı", "Straße ẞ", "a\nb", "\t x \t",
    "e\u0301", "a%20b", "%zz", "%E9", "A%C4%9Fustos", "%", "100%", "b%20+1", "%00", "x%00y", "%F0%9F%A7%B5", "%C0%80",
    "%ED%A0%80", "%EF%BF%BD", "%EF%BF%BD%E9", "\ufffd", "\ufffd%20", "\ufffd%E9", "%2B", "%25%32%30", "%e2%82",
    "%E2%82%AC€", "%20",
    "%C2%A0", "%E9%41", "%C3%89t%C3%A9", "www.x", "WWW.x", "www.www.x", "wwwx", "a\\b", "%5C", "%27", "it%27s", "+",
    "%F4%90%80%80", "%F5", "🧵%20", "%E2%80%A8", "%c4%b0", "%CE%A3", "%u00e9", "a+b%20c", "%%20", "%2", "%2 0",
    "K%C5%BF",
]  # fmt: skip


def test_texts_are_read_the_same(engines):
    engines.table("texts", pl.DataFrame({"t": TEXTS}))
    found = engines.differences("texts", "t", {
        "decoded": lambda say: say.decoded_again("t"), "campaign": lambda say: say.campaign_key("t"),
        "small": lambda say: say.lower_case("t"), "trimmed": lambda say: say.trimmed("t"),
        "host": lambda say: say.without_www("t"), "uuid": lambda say: say.uuid_of("t"),
        "hash": lambda say: say.hash_60_bits("t"), "matches": lambda say: say.matches("t", "^x|%[0-9]"),
        "whole": lambda say: say.matches_whole("t", r"it's|οδοσ \w|.*x.*"),
        "class": lambda say: say.matches_whole("t", "[^a]+"), "natural": lambda say: say.natural_order("t"),
    })  # fmt: skip
    assert found == {}


def test_what_is_configured_is_said_as_it_is(engines):
    for one in ["", "a'b", "'", "''", "\\", "\\'", "c\\d", "back\\", "\\\\", "\n", "ü%s$x", "{x}", '"', "--", "/*"]:
        said = engines.spark.sql(f"select {dialect('spark').text(one)}").collect()[0][0]
        assert said == engines.con.execute(f"select {dialect('duckdb').text(one)}").fetchall()[0][0] == one


ZONES = [
    "America/Havana", "America/New_York", "America/Santiago", "America/Sao_Paulo", "America/Nuuk", "Asia/Beirut",
    "Asia/Gaza", "Africa/Cairo", "Africa/Casablanca", "Asia/Tehran", "Asia/Kolkata", "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin", "Europe/Lisbon", "Pacific/Chatham", "Pacific/Apia", "Antarctica/Troll", "Asia/Tokyo",
]  # fmt: skip


def changes(zone: str) -> Iterator[datetime]:
    """About when the clocks of a zone changed, in UTC."""
    at = datetime(2011, 1, 1, tzinfo=UTC)
    while at < datetime(2030, 1, 1, tzinfo=UTC):
        after = at + timedelta(hours=1)
        if at.astimezone(ZoneInfo(zone)).utcoffset() != after.astimezone(ZoneInfo(zone)).utcoffset():
            yield after.replace(tzinfo=None)
        at = after


def test_nights_in_which_clocks_change_are_the_same_day_and_the_same_midnight(engines):
    at = {zone: sorted(changes(zone)) for zone in ZONES}
    moments = {
        one + timedelta(minutes=n) for found in at.values() for one in found for n in (-1440, -61, -31, -1, 0, 30, 60)
    }
    engines.table("moments", pl.DataFrame({"t": sorted(moments)}))
    engines.table(
        "days", pl.DataFrame({"t": sorted({one.date() + timedelta(days=n) for one in moments for n in (0, 1)})})
    )
    for zone in ZONES:
        assert engines.differences("moments", "t", {zone: lambda say: say.local_date("t")}, zone) == {}
        assert engines.differences("days", "t", {zone: lambda say: say.utc_midnight("t")}, zone) == {}


def test_moments_and_days_are_counted_the_same(engines):
    moments = [datetime(1900, 2, 28, 23, 59, 59, 999999), datetime(1969, 12, 31, 23, 59, 59, 999999),
               datetime(2024, 2, 29, 12, 0, 0, 1), datetime(2026, 3, 31),
               datetime(9999, 12, 31, 23, 59, 59)]  # fmt: skip
    engines.table("instants", pl.DataFrame({"t": moments, "d": [one.date() for one in moments]}))
    found = engines.differences("instants", "t", {
        "epoch": lambda say: say.epoch_us("t"), "minutes": lambda say: say.minus_minutes("t", 61),
        "days": lambda say: say.minus_days("t", 31), "between": lambda say: say.days_between("d", "date '2026-03-29'"),
        "month": lambda say: say.month_of("d"), "last": lambda say: say.last_day_of("d"),
    })  # fmt: skip
    assert found == {}


def test_whole_numbers_up_to_38_digits_are_the_same(engines):
    most, small = 9 * 10**18, [0, 1, 2, 3, 5, 7, 10, 999, 10**9, 10**14, 2**52 - 1]
    pairs = [(sign * a, b) for sign in (1, -1) for a in [*small, most, 15, 25] for b in small]
    # A quotient of more than 32 digits is an error on Spark.
    wide = [(a, b) for a in (0, 1, 10**31 + 5, 4 * 10**37, 10**38 - 1) for b in (0, 1, 2, 3, 10**18, 4 * 10**37)]
    wide = [(a, b) for a, b in wide if not b or a // b < 10**31]
    both = {"k": range(len(pairs)), "a": [a for a, _ in pairs], "b": [b for _, b in pairs]}
    engines.table("pairs", pl.DataFrame(both))
    texts = pl.DataFrame({"k": range(len(wide)), "a": [str(a) for a, _ in wide], "b": [str(b) for _, b in wide]})
    engines.table("wide", texts)
    a, b = (lambda say: f"cast(a as {say.wide_integer()})"), (lambda say: f"cast(b as {say.wide_integer()})")
    assert engines.differences("pairs", "k", {
        "div": lambda say: say.integer_divide("a", "b"), "wide": lambda say: say.wide_divide("abs(a)", "b"),
        "sign": lambda say: say.sign_of("a"), "most": lambda say: say.at_most("a", "3"),
        "even": lambda say: f"case when b > 0 and abs(a) < 4503599627370496 then {say.half_even('a', 'b')} end",
        "rounded": lambda say: f"case when b > 0 then {say.half_even_of_any('abs(a)', 'b')} end",
    }) == {}  # fmt: skip
    assert engines.differences("wide", "k", {
        "same": a, "div": lambda say: say.wide_divide(a(say), b(say)),
        "half": lambda say: f"case when length(b) < 20 and b != '0' then {say.half_even_of_any(a(say), b(say))} end",
    }) == {}  # fmt: skip
    powers = sorted({*range(3000), *(2**n + d for n in range(12, 48) for d in (-1, 0, 1))})
    engines.table("powers", pl.DataFrame({"n": powers}))
    assert engines.differences("powers", "n", {"power": lambda say: say.power_of_two_above("n")}) == {}


def test_what_is_too_much_is_an_error_on_both(engines):
    most, wide = "cast(9223372036854775807 as bigint)", "cast('99999999999999999999999999999999999999' as {})"
    over = f"from (select {most} as a union all select {most} as a) as both_of_them"
    told = [
        engines.fail(lambda say: f"{most} + 1"),
        engines.fail(lambda say: f"{most} * 2"),
        engines.fail(lambda say: f"cast({say.wide_sum('a')} as bigint)", over),
        engines.fail(lambda say: f"{wide.format(say.wide_integer())} * 10"),
        engines.fail(lambda say: "cast('1x' as integer)"),
        engines.fail(lambda say: say.half_even("1", "0")),
    ]
    assert [spark for _, spark in told] == [
        "ARITHMETIC_OVERFLOW", "ARITHMETIC_OVERFLOW", "CAST_OVERFLOW",
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "CAST_INVALID_INPUT", "REMAINDER_BY_ZERO",
    ]  # fmt: skip


PATHS = [[], ["a"], ["a", "a", "b"], ["b", "a", "b", "b"], ["it's", "ü", "", ""]]


def test_lists_are_read_the_same(engines):
    numbers = [[], [1], [-3, 0, 2, 5], [7, 7, 9], [1, 2, 3, 4, 5]]
    kinds = {"k": pl.Int64, "path": pl.List(pl.String), "whole": pl.List(pl.Int64)}
    engines.table("paths", pl.DataFrame({"k": range(5), "path": PATHS, "whole": numbers}, schema=kinds))
    assert engines.differences("paths", "k", {
        "runs": lambda say: say.without_repeats("path"), "length": lambda say: say.list_length("path"),
        "has": lambda say: say.has_item("path", "'b'"), "none": lambda say: say.has_item("path", "''"),
        "place": lambda say: say.position_in("path", "'b'"), "without": lambda say: say.without_position("path", "2"),
        "rest": lambda say: say.remainders("whole", "4"), "between": lambda say: say.items_between("whole", "0", "4"),
        "any": lambda say: say.any_between("whole", "3", "4"),
        "at": lambda say: say.items_at("path", say.items_between("whole", "1", "9")),
    }) == {}  # fmt: skip
