"""What engines say in their own ways stands in dialects/, the same macros for each of them, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import jinja2
import pytest

from ingestion.load_tables import natural_order

PROJECT = Path(__file__).parents[2] / "dbt_project"
MACRO = re.compile(r"{%-?\s*macro\s+(\w+)\(([^)]*)\)")
COMMENT = re.compile(r"{#.*?#}|--[^\n]*", re.S)
TEXT = re.compile(r"'[^'\n]*'")

# What one engine understands and another does not, or reads as something else; the macro that says it instead.
ONLY_ONE = {
    r"::": "cast()",
    r"//": "integer_divide()",
    r"\"[a-z_]+\"\.": "no quoted names",
    r"\bvarchar\b": "text_type()",
    r"\bstring\b": "text_type()",
    r"\bas uuid\b": "uuid_type()",
    r"\b(?:huge|ubig|utiny)int\b": "wide_integer()",
    r"\browid\b": "row_identity()",
    r"\b(?:unnest|explode|inline|posexplode)\(": "unnested()",
    r"\b(?:list|array|collect)_\w*\(": "the macros of lists",
    r"\blist\(": "list_of()",
    r"\b(?:struct_pack|named_struct)\(": "struct_of()",
    r"\bfor \w+ in \w+\]|->": "the macros of lists",
    r"(?<![\w_])lower\(": "lower_case()",
    r"(?<![\w_])trim\(": "trimmed()",
    r"(?<![\w_])sign\(": "sign_of()",
    r"\b(?:max|min|arg_max|arg_min)_by\(": "latest_of()",
    r"\bepoch\w*\(|\bunix_\w+\(": "epoch_us()",
    r"\btimezone\(|\bconvert_timezone\(": "local_date()",
    r"\b(?:date_diff|datediff|date_add|date_sub|dateadd)\(": "days_between()",
    r"\bregexp_\w+\(|\brlike\b|\bsimilar to\b": "matches()",
    r"\burl_decode\(|\btry\w*\(": "decoded_again()",
    r"\bhash\(|\bxxhash64\(|\bmd5\(": "hash_60_bits()",
    r"\b(?:generate_series|range|sequence)\(": "window_dates()",
    r"\bby name\b": "columns in order",
}


JINJA = re.compile(r"{[{%].*?[}%]}", re.S)


def spoken(text: str) -> str:
    """A template without comments, quoted text and calls of the macros of dialects, and what Jinja quotes as SQL."""
    calls = re.compile(rf"(?<![\w.])(?:{'|'.join(macros_of('duckdb'))})\(")
    text = COMMENT.sub("", text)
    quoted = [calls.sub("(", one) for block in JINJA.findall(text) for one in TEXT.findall(block)]
    outside = JINJA.sub(lambda block: calls.sub("(", block[0]).replace("//", ""), TEXT.sub("''", text))
    return "\n".join([outside, *quoted])


def macros_of(engine: str) -> dict[str, list[str]]:
    files = sorted((PROJECT / "dialects" / engine).glob("*.sql"))
    found = [one for file in files for one in MACRO.findall(file.read_text())]
    assert len(found) == len({name for name, _ in found})
    return {name: [one.strip() for one in arguments.split(",")] for name, arguments in found}


def test_each_engine_has_the_macros_that_models_and_other_macros_use():
    duckdb, spark = macros_of("duckdb"), macros_of("spark")
    helpers = {"put_in_place_of", "run_deletes", "rows_that_stay"}  # of how Spark's tables are filled
    assert {name: spark[name] for name in spark.keys() - helpers} == duckdb


@pytest.mark.parametrize("folder", ["models", "macros", "tests"])
def test_no_model_and_no_other_macro_says_what_one_engine_alone_understands(folder):
    strays = {
        f"{path.relative_to(PROJECT)}: {found[0]!r} instead of {instead}"
        for path in sorted((PROJECT / folder).rglob("*.sql"))
        for pattern, instead in ONLY_ONE.items()
        if (found := re.search(pattern, spoken(path.read_text())))
    }
    assert not strays


@pytest.mark.parametrize(
    "said",
    ["select a::int", "a // b", "cast(a as varchar)", "unnest(path) as item", "list_sort(x)", "lower(name)", "rowid",
     "[n for n in path]", "max_by(a, b)", "regexp_matches(a, b)", "transform(path, n -> n)"],
)  # fmt: skip
def test_what_one_engine_alone_understands_is_found(said):
    assert any(re.search(pattern, spoken(said)) for pattern in ONLY_ONE)


def test_names_of_files_are_ordered_by_models_as_by_the_load():
    """The load orders deliveries of cost, the models files of orders."""
    text = (PROJECT / "dialects" / "duckdb" / "dialect.sql").read_text()
    said = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(text).module
    names = ["a/2.csv", "a/0010.csv", "a.csv", "a (1).csv", "a(12).csv.gz", "a 1.csv", "a-2.csv", "9" * 15, "(1).x.y"]
    query = f"select {said.natural_order('name')} from (select unnest(?) as name)"
    assert [one for (one,) in duckdb.execute(query, [names]).fetchall()] == list(map(natural_order, names))
