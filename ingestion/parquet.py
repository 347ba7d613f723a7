"""Parquet as lines of JSON and rows of text: what was written stays exact, and a broken file gives nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from ingestion.compression import CorruptArchiveError
from ingestion.zone import File

# Rows of a batch: few, since a small file can hold a long text many times (a dictionary), and they are read as text.
_BATCH_ROWS = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def is_parquet(path: File) -> bool:
    return path.suffix.lower() == ".parquet"


def lines(path: File) -> Iterator[bytes]:
    """Each row as a line of JSON: the text of the one column ``value``, or an object of the columns.

    Moments become RFC 3339 in UTC, decimals numbers with all their digits, maps objects. A row is always a line: an
    empty ``value`` is a blank one, a missing one ``null``. Text that is no UTF-8 comes as the bytes it was.

    Raises:
        CorruptArchiveError: the file cannot be read whole.
    """
    with _whole():
        for batch in _batches(path):
            is_text = batch.schema.names == ["value"] and _is_text(batch.schema.field(0).type)
            for row in _rows(batch):
                record = row["value"] if is_text else row
                text = _json(record) if record is None or not is_text else _text(record)
                yield text.encode("utf-8", "surrogateescape")


def rows(path: File) -> Iterator[dict[str, str]]:
    """Each row as text by column name, as a CSV would have it; a struct's fields are columns named with dots.

    Raises:
        CorruptArchiveError: the file cannot be read whole.
    """
    with _whole():
        for batch in _batches(path):
            for row in _rows(batch):
                yield dict(_cells(row))


def columns(path: File) -> list[str]:
    """The names that :func:`rows` gives.

    Raises:
        CorruptArchiveError: the file cannot be read whole.
    """
    with _whole(), path.open("rb") as opened, pq.ParquetFile(opened) as file:
        return [name for field in file.schema_arrow for name in _names(field, "")]


def _names(field: pa.Field, prefix: str) -> Iterator[str]:
    if not pa.types.is_struct(field.type):
        yield prefix + field.name
        return
    for inner in field.type:
        yield from _names(inner, f"{prefix}{field.name}.")


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last: of a column's name
        # The disk's errors have a number, pyarrow's about the content have none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CorruptArchiveError(f"parquet: {str(error).partition(chr(10))[0]}") from error


def _batches(path: File) -> Iterator[pa.RecordBatch]:
    options = {"pre_buffer": False, "page_checksum_verification": True, "coerce_int96_timestamp_unit": "us"}
    with path.open("rb") as opened, pq.ParquetFile(opened, **options) as file:
        yield from file.iter_batches(_BATCH_ROWS, use_threads=False)


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    types = pa.types
    tests = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary, types.is_null)
    return any(is_kind(kind) for is_kind in tests)


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    if len(set(batch.schema.names)) == len(batch.schema.names):
        try:
            yield from batch.to_pylist()
            return
        except (ValueError, OverflowError, LookupError):
            pass  # text that is no UTF-8, a moment beyond Python's, an unknown time zone, a name that comes twice
    for index in range(len(batch)):
        found: dict[str, Any] = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            found.setdefault(name, _value(column[index]))
        yield found


def _value(scalar: Any) -> Any:
    """The scalar's value where ``as_py`` gives up on a part of it; of a name that comes twice the first one."""
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.DictionaryScalar):
        return _value(scalar.value)
    if isinstance(scalar, pa.StructScalar):
        pairs = [(field.name, _value(scalar[index])) for index, field in enumerate(scalar.type)]
        return dict(reversed(pairs))
    if isinstance(scalar, pa.MapScalar):
        return {_text(_value(entry[0])): _value(entry[1]) for entry in scalar.values}
    if isinstance(scalar, pa.ListScalar):
        return [_value(item) for item in scalar.values]
    if isinstance(scalar, pa.StringScalar | pa.LargeStringScalar):
        return scalar.as_buffer().to_pybytes()
    if isinstance(scalar, pa.TimestampScalar):
        return _moment(scalar.value, scalar.type)
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):  # a day beyond Python's
        return str(scalar.value)


def _moment(number: int, kind: pa.TimestampType) -> datetime | str:
    try:
        moment = _EPOCH + timedelta(microseconds=number * 10**6 // _UNITS[kind.unit])
    except OverflowError:
        return str(number)
    return moment if kind.tz else moment.replace(tzinfo=None)


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(_text(key))}:{_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        if value and isinstance(value[0], tuple):  # a map's pairs
            return _json(dict(value))
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return f'"{moment.isoformat(timespec="microseconds")}"'
    if isinstance(value, bool | None):
        return {None: "null", True: "true", False: "false"}[value]
    # JSON has no number for what is not finite: as text only who reads it as money minds it.
    is_number = isinstance(value, int | float | Decimal) and math.isfinite(value)
    return _text(value) if is_number else _quoted(_text(value))


def _cells(row: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _cells(value, f"{prefix}{name}.")
        else:
            yield prefix + name, _text(value).strip()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def no_glob(path: Path) -> str:
    """The path as DuckDB's readers take it: a name with ``*``, ``?`` or ``[`` is a name and no pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
