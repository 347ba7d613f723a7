"""Whether what a shop's persons are called stands in a file, in whatever spelling: a search for thousands at once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import duckdb
import polars as pl

MOST = 150  # of a kind: the search takes as long as there are spellings


def identifiers(landing: Path) -> dict[str, set[str]]:
    """What the landed records call a person or a record by, by kind."""
    found: dict[str, set[str]] = {"user": set(), "device": set(), "message": set(), "email": set(), "ip": set()}
    for record in _records(landing):
        context = record.get("context") or {}
        values = {
            "user": record.get("userId"), "device": record.get("anonymousId"), "message": record.get("messageId"),
            "ip": context.get("ip"), "email": (context.get("traits") or {}).get("email"),
        }  # fmt: skip
        for kind, value in values.items():
            found[kind] |= {value} if isinstance(value, str) and len(value) > 6 else set()
    return {kind: set(sorted(values)[:MOST]) for kind, values in found.items()}


def _records(landing: Path) -> Iterator[dict]:
    for path in landing.rglob("*+*.json*"):
        for line in _content(path).splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    try:
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError):
        return data


def spellings(value: str) -> set[bytes]:
    """As text of several encodings, hexadecimal, base64 at each alignment, encoded for a URL, hashed without a key."""
    text = value.encode()
    found = {text, value.encode("utf-16-le"), value.encode("utf-16-be"), text.hex().encode(), text[::-1]}
    found |= {quote(value, safe="").encode(), quote(quote(value, safe=""), safe="").encode()}
    for shift, start in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * shift + text).rstrip(b"=")
        found.add(encoded[start : len(encoded) - (1 if (shift + len(text)) % 3 else 0)])
    for function in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        digest = function(text).digest()
        found |= {digest, digest.hex().encode()}
    try:
        raw = uuid.UUID(value).bytes
    except ValueError:
        return found
    stored = (int.from_bytes(raw) ^ (1 << 127)).to_bytes(16, "little")  # as DuckDB keeps it
    return found | {raw, raw[::-1], raw.hex().encode(), stored}


class Search:
    """One pass over many contents for every spelling of every value, ignoring case."""

    def __init__(self, values: Iterable[str]) -> None:
        self.value_of = {form.decode("latin-1").lower(): value for value in values for form in spellings(value)}

    def __call__(self, contents: Iterable[bytes]) -> list[set[str]]:
        texts = pl.Series([content.decode("latin-1") for content in contents])
        found = texts.str.extract_many(list(self.value_of), ascii_case_insensitive=True, overlapping=True)
        return [{self.value_of[hit.lower()] for hit in hits if hit.lower() in self.value_of} for hits in found]


def in_landing(search: Search, landing: Path) -> set[str]:
    return set().union(*search(_content(path) for path in landing.rglob("*") if path.is_file()))


def in_files(search: Search, *folders: Path) -> dict[str, set[str]]:
    """What of it is found, by file: in the bytes, and in the decoded values of every table of a database."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    contents = [(str(path), path.read_bytes()) for path in paths]
    contents += [(f"{path}: values", values) for path in paths if _is_database(path) for values in _tables(path)]
    found = search(content for _, content in contents)
    return {name: hits for (name, _), hits in zip(contents, found, strict=True) if hits}


def _is_database(path: Path) -> bool:
    return path.suffix in (".duckdb", ".parquet")


def _tables(path: Path) -> Iterator[bytes]:
    with duckdb.connect() as con:
        if path.suffix == ".parquet":
            yield _values(con, f"from '{path}'")
            return
        con.execute(f"attach '{path}' as held (read_only)")
        places = con.execute("""
            select schema_name, table_name from duckdb_tables() where database_name = 'held' order by all""").fetchall()
        for schema, table in places:
            yield _values(con, f"from held.{schema}.{table}")


def _values(con: duckdb.DuckDBPyConnection, query: str) -> bytes:
    rows = con.execute(f"select columns(*)::varchar {query}").fetchall()
    return "\n".join("\t".join(one or "" for one in row) for row in rows).encode()
