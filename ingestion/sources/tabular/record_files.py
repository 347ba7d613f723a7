"""Parquet and JSON: records with named fields, as text by column; a struct's fields are columns named with dots."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from ingestion import parquet
from ingestion.compression import CorruptArchiveError
from ingestion.sources.tabular.grids import Grid, UnreadableTableError
from ingestion.sources.tabular.texts import file_bytes, utf8
from ingestion.zone import File
from settings import Source

# Where an answer of an interface keeps its records.
_LISTS = ("results", "data", "list", "rows", "records", "orders", "elements")
_NOTHING = re.compile(r"[\s,\x1e]*")  # between two values
_ENVELOPE = "_airbyte_data"  # in which Airbyte puts a record, beside what it says of it itself


def parquet_grid(path: File) -> Grid:
    """The table of a Parquet file.

    Raises:
        UnreadableTableError: it cannot be read whole.
    """
    try:
        names = list(dict.fromkeys(parquet.columns(path)))
    except CorruptArchiveError as error:
        raise UnreadableTableError(f"{error.problem}; ask upstream for the file anew") from error

    def rows() -> pl.DataFrame:
        try:
            return _frame(parquet.rows(path), names)
        except CorruptArchiveError as error:
            raise UnreadableTableError(f"{error.problem}; ask upstream for the file anew") from error

    return Grid(names, rows)


def json_grid(path: File, source: Source) -> Grid:
    """The records of JSON, one after another on as many lines as they like, in an array, or as an interface answers.

    Raises:
        UnreadableTableError: it is not JSON.
    """
    text = utf8(file_bytes(path), source.encoding).decode("utf-8", "replace")
    records = [dict(_cells(record)) for record in _records(text)]
    names = list(dict.fromkeys(name for record in records for name in record))
    return Grid(names, lambda: _frame(iter(records), names))


def _records(text: str) -> Iterator[dict[str, Any]]:
    decode = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode  # numbers keep all their digits
    start = _next(text, 0)
    while start < len(text):
        try:
            value, end = decode(text, start)
        except (ValueError, RecursionError) as error:
            at = getattr(error, "pos", start)
            line = text.count("\n", 0, at) + 1
            raise UnreadableTableError(f"line {line} is not JSON; ask upstream for the file anew") from error
        yield from _unwrapped(value)
        start = _next(text, end)


def _next(text: str, start: int) -> int:
    """Where the next value begins."""
    between = _NOTHING.match(text, start)
    return between.end() if between else start


def _unwrapped(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a value: itself, those of a list, or those of the list that an answer of an interface holds."""
    if isinstance(value, list):
        for one in value:
            yield from _unwrapped(one)
    elif isinstance(value, dict):
        # An order has `items` of its own; an answer that lists objects under that name says how many there are.
        lists = (*_LISTS, "items") if "total_count" in value else _LISTS
        name = next((name for name in lists if _is_container(value.get(name))), None)
        if name is None:
            yield value
        else:
            yield from _unwrapped(value[name])
    else:
        raise UnreadableTableError("its JSON holds something else than objects with named fields")


def _is_container(value: Any) -> bool:
    """A list of objects, or an object that holds one in turn."""
    if isinstance(value, list):
        return all(isinstance(one, dict) for one in value)
    return isinstance(value, dict) and any(isinstance(value.get(name), list) for name in _LISTS)


def _cells(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _cells(value, prefix if name == _ENVELOPE else f"{prefix}{name}.")
        elif isinstance(value, list):
            yield prefix + name, json.dumps(value, ensure_ascii=False)
        else:
            yield prefix + name, "" if value is None else str(value)


def _frame(records: Iterable[dict[str, str]], names: list[str]) -> pl.DataFrame:
    rows = [[*(_text(record.get(name)) for name in names), number]
            for number, record in enumerate(records, start=1)]  # fmt: skip
    schema = {**{str(place): pl.String for place in range(len(names))}, "line": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.lit(None, pl.String).alias("extra"))


def _text(value: str | None) -> str | None:
    """Text that is no UTF-8 keeps a mark where it was not."""
    return value and value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
