"""A table says the same in any of the dialects that people write: properties, over tables made up by Hypothesis."""

import csv
import io
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingestion.sources.tables import read
from tests.kit.examples import examples

COLUMNS = ("date", "campaign_id", "campaign_name", "impressions", "clicks", "spend", "currency")
ABSENT = ("", "NULL", r"\N", "nan", "None", "null", "N/A", "NA", "-", "--")
NAMES = st.text("abcdefghij äöüß'\"|;,%", min_size=1, max_size=8).map(str.strip).filter(
    lambda name: name.lower() not in {word.lower() for word in ABSENT} and not name.startswith("'")
)  # fmt: skip
ROWS = st.lists(
    st.fixed_dictionaries({
        "date": st.dates(date(2024, 1, 1), date(2026, 3, 1)),
        "campaign_id": st.integers(1, 10**18).map(str), "campaign_name": NAMES,
        "impressions": st.none() | st.integers(0, 10**9), "clicks": st.none() | st.integers(0, 10**6),
        "spend": st.decimals(-10**6, 10**6, places=2), "currency": st.sampled_from(["EUR", "USD", "JPY", "KWD", "HRK"]),
    }), min_size=1, max_size=6,
)  # fmt: skip
DIALECTS = st.fixed_dictionaries({
    "delimiter": st.sampled_from([",", ";", "\t", "|"]), "decimal": st.sampled_from([".", ","]),
    "is_grouped": st.booleans(), "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    "header": st.sampled_from([str, str.upper, str.title, lambda name: name.replace("_", " "), " {} ".format]),
    "absent": st.sampled_from(ABSENT), "extra": st.booleans(), "order": st.permutations(range(len(COLUMNS))),
    "end": st.sampled_from(["\n", "\r\n"]),
})  # fmt: skip


def amount(value: Decimal, dialect: dict) -> str:
    text = f"{value:,.2f}" if dialect["is_grouped"] else f"{value:.2f}"
    return text if dialect["decimal"] == "." else text.translate(str.maketrans(",.", ".,"))


def written(rows: list[dict], dialect: dict) -> bytes:
    names = [COLUMNS[place] for place in dialect["order"]]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=dialect["delimiter"], lineterminator=dialect["end"])
    more = ["note"] if dialect["extra"] else []
    writer.writerow([dialect["header"](name) for name in names] + more)
    for number, row in enumerate(rows):
        cells = {name: dialect["absent"] if value is None else str(value) for name, value in row.items()}
        cells["spend"] = amount(row["spend"], dialect)
        writer.writerow([cells[name] for name in names] + [f"note {number}" for _ in more])
    return text.getvalue().encode(dialect["encoding"])


def facts(frame: pl.DataFrame) -> list[tuple]:
    columns = [
        "spend_on",
        "campaign_id",
        "campaign_name",
        "impressions",
        "clicks",
        "spend_minor",
        "spend_rest",
        "currency",
    ]
    return sorted(frame.select(columns).rows(), key=repr)


def unlike(rows: list[dict]) -> list[dict]:
    """Rows that differ: equal ones count once, whatever the dialect."""
    return list({repr(row): row for row in rows}.values())


@settings(max_examples=examples(60, fast=12), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, DIALECTS, st.randoms(use_true_random=False))
def test_any_dialect_gives_the_same_rows_in_any_order(rows, dialect, rng):
    rows = unlike(rows)
    plain = {"delimiter": ",", "decimal": ".", "is_grouped": False, "encoding": "utf-8", "header": str, "absent": "",
             "extra": False, "order": range(len(COLUMNS)), "end": "\n"}  # fmt: skip
    shuffled = rows.copy()
    rng.shuffle(shuffled)
    config = {"decimal": dialect["decimal"]}
    if dialect["encoding"] == "cp1252":
        config["encoding"] = "cp1252"
    with tempfile.TemporaryDirectory() as folder:
        expected = read(Path(folder), written(rows, plain))
        found = read(Path(folder), written(shuffled, dialect), **config)
    assert expected.refused.is_empty()
    assert found.refused.is_empty()
    assert facts(found.rows) == facts(expected.rows)


@settings(max_examples=examples(40, fast=8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, DIALECTS)
def test_without_a_word_on_decimals_an_amount_is_read_right_or_refused(rows, dialect):
    rows = unlike(rows)
    config = {"encoding": "cp1252"} if dialect["encoding"] == "cp1252" else {}
    with tempfile.TemporaryDirectory() as folder:
        found = read(Path(folder), written(rows, dialect), **config)
    true = {(row["date"], row["campaign_id"], row["spend"]) for row in rows}
    scale = {"JPY": 0, "KWD": -3}
    for row in found.rows.to_dicts():
        exact = Decimal(row["spend_minor"]).scaleb(scale.get(row["currency"], -2)) + Decimal(row["spend_rest"]).scaleb(
            -12
        )
        assert (row["spend_on"], row["campaign_id"], exact) in true
    assert set(found.refused["reason"]) <= {"ambiguous_number"}


@settings(max_examples=examples(40, fast=8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_the_parts_of_a_file_give_the_rows_of_the_whole(rows, places):
    plain = {"delimiter": ",", "decimal": ".", "is_grouped": False, "encoding": "utf-8", "header": str, "absent": "",
             "extra": True, "order": range(len(COLUMNS)), "end": "\n"}  # fmt: skip
    whole_rows = [*rows, *rows[:1]]  # one comes twice
    with tempfile.TemporaryDirectory() as folder:
        names = read(Path(folder), written(whole_rows, {**plain, "extra": False})).rows
        parts = [[row for row, at in zip(rows, places, strict=False) if at == part] for part in range(3)]
        found = [read(Path(folder), written(part + part[:1], {**plain, "extra": False})).rows for part in parts if part]
    # The same row has the same name in any part, so that one that is in two of them counts once.
    assert set(pl.concat(found)["row_hash"]) == set(names["row_hash"])
    once = pl.concat(found).unique("row_hash")
    assert facts(once) == facts(names)
