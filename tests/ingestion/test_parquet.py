"""Event archives as Parquet: each row a record, exact in its decimals and moments, and never a crash."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from ingestion import parquet
from ingestion.compression import CorruptArchiveError
from tests.ingestion.strategies import order, page


def lines(folder: Path, table: pa.Table) -> list[bytes]:
    pq.write_table(table, folder / "a.parquet")
    return list(parquet.lines(folder / "a.parquet"))


def one(folder: Path, array: pa.Array) -> object:
    """The value of a column ``x`` as JSON has it, numbers as their text."""
    (line,) = lines(folder, pa.table({"x": array}))
    return json.loads(line, parse_float=str, parse_int=str)["x"]


def not_utf8() -> pa.Array:
    return pa.Array.from_buffers(pa.utf8(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])


def test_columns_and_structs_give_the_same_facts_as_json_lines(zone):
    records = [page(messageId="m-1"), order(messageId="o-1"), page(messageId="m-2", userId="u")]
    zone.parquet(pa.Table.from_struct_array(pa.array(records)))
    zone.archive(*records, topic="other")
    zone.load()
    assert zone.fates() == {"read": 6, "loaded": 3, "duplicate": 3}
    assert zone.query("select sum(conflicting) from ops.fates") == [(0,)]


def test_one_column_of_json_text_is_read_as_lines(zone):
    texts = [json.dumps(page()), "", "  ", None, "{", json.dumps(page(), indent=1), "[1]", "\0"]
    zone.parquet(pa.table({"value": pa.array(texts)}))
    zone.load()
    reasons = {"malformed_json": 4, "invalid_type": 2}
    assert zone.fates() == {"read": 8, "loaded": 1, "duplicate": 1, "dead_letter": reasons}


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_string(), pa.large_binary()])
def test_text_may_be_any_of_parquets_kinds_of_text(zone, kind):
    zone.parquet(pa.table({"value": pa.array([json.dumps(page())]).cast(kind)}))
    zone.load()
    assert zone.fates() == {"read": 1, "loaded": 1}


def test_record_n_has_the_files_offset_plus_n(zone):
    zone.parquet(pa.table({"value": [json.dumps(page(messageId=f"m-{n}")) for n in range(1200)]}))
    zone.load()
    assert zone.query("select count(*), min(record_offset), max(record_offset) from raw.events") == [(1200, 0, 1199)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone_name", [None, "UTC", "Europe/Berlin", "+05:30"])
def test_moments_become_rfc_3339_in_utc(tmp_path, unit, zone_name):
    moment = pa.array([datetime(2026, 3, 1, 10, tzinfo=UTC)], pa.timestamp(unit, "UTC"))
    in_zone = moment.cast(pa.int64()).cast(pa.timestamp(unit, zone_name))
    assert one(tmp_path, in_zone) == "2026-03-01T10:00:00.000000+00:00"


def test_a_record_with_its_moments_as_timestamps_is_loaded(zone):
    moment = datetime(2026, 3, 1, 10, 0, 0, 123456)
    zone.parquet(pa.Table.from_pylist([page() | {"timestamp": moment, "receivedAt": moment}]))
    zone.load()
    assert zone.query("select occurred_at, received_at from raw.events") == [(moment, moment)]


@pytest.mark.parametrize("number", ["0.10", "12345678901234567890.123456789", "-0.000000001"])
def test_decimals_keep_every_digit(tmp_path, number):
    assert Decimal(one(tmp_path, pa.array([Decimal(number)], pa.decimal128(38, 9)))) == Decimal(number)
    assert Decimal(one(tmp_path, pa.array([Decimal(number)], pa.decimal256(60, 9)))) == Decimal(number)


def test_money_as_a_decimal_column_is_exact(zone):
    record = order(messageId="o-1")
    record["properties"] |= {"revenue": Decimal("900000000000.125"), "currency": "EUR"}
    zone.parquet(pa.Table.from_pylist([record]))
    zone.load()
    assert zone.query("select revenue_minor from raw.events") == [(90_000_000_000_012,)]


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), {"k": "1"}),
        (pa.array([{"a": 1, "A": None}]), {"a": "1", "A": None}),
        (pa.array([float("nan")]), "nan"),
        (pa.array([["x", None]]), ["x", None]),
        (pa.array([2**62], pa.timestamp("us")), str(2**62)),
        (pa.array([2**30], pa.date32()), str(2**30)),
        (pa.array(["q"]).dictionary_encode(), "q"),
        (pa.nulls(1), None),
    ],
    ids=str,
)
def test_any_other_type_has_a_value_too(tmp_path, array, value):
    assert one(tmp_path, array) == value


def test_text_that_is_no_utf_8_condemns_its_own_record_only(zone):
    good = pa.table({"value": [json.dumps(page())]})
    zone.parquet(pa.concat_tables([good, pa.table({"value": not_utf8()})]))
    zone.load()
    assert zone.fates() == {"read": 2, "loaded": 1, "dead_letter": {"invalid_encoding": 1}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"messageId": None}, "missing_field"), ({"messageId": 5.5}, "invalid_type"), ({"userId": [1]}, "invalid_type"),
        ({"type": Decimal(1)}, "invalid_type"), ({"timestamp": 5}, "invalid_type"), ({"timestamp": "5"},
        "invalid_timestamp"), ({"context": {"page": {"url": 7}}}, "invalid_type"),
    ],
    ids=str,
)  # fmt: skip
def test_columns_of_other_types_are_dead_letters_by_reason(zone, change, reason):
    zone.parquet(pa.Table.from_pylist([page() | change]))
    zone.load()
    assert zone.fates() == {"read": 1, "dead_letter": {reason: 1}}


def test_another_schema_is_all_dead_letters(zone):
    zone.parquet(pa.table({"value": [1, 2], "x": [[1], None]}))
    zone.load()
    assert zone.fates() == {"read": 2, "dead_letter": {"missing_field": 2}}


def test_a_table_without_rows_has_no_records(zone):
    zone.parquet(pa.table({"messageId": pa.array([], pa.string())}))
    assert (zone.load().records, zone.fates()) == (0, {})


def test_of_two_columns_with_one_name_the_first_counts(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    assert lines(tmp_path, table) == [b'{"x":1}']


def test_a_file_that_is_not_whole_is_corrupt_and_loads_nothing(zone, tmp_path):
    path = zone.parquet(pa.table({"value": [json.dumps(page(messageId=f"m-{n}")) for n in range(2000)]}))
    whole = path.read_bytes()
    middle = len(whole) // 3
    broken = [b"", b"PAR1", whole[:-1], whole[:-8], whole[: len(whole) // 2], whole + b"x", b"PAR1" + whole[-8:],
              whole[:middle] + b"\xa5" * 64 + whole[middle + 64 :], json.dumps(page()).encode()]  # fmt: skip
    for content in broken:
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(CorruptArchiveError, match="cannot be read whole: parquet"):
            list(parquet.lines(tmp_path / "a.parquet"))
    path.write_bytes(whole[: len(whole) // 2])
    assert zone.load().corrupt == ["events/topics/web/partition=0/web+0+0000000000.parquet"]
    assert (zone.fates(), zone.query("select count(*) from raw.events")) == ({}, [(0,)])
