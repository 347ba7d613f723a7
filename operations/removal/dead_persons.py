"""Sealed dead letters of persons who were erased: those that open to their identifiers are disposed of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from ingestion.records import DeadLetter, decode_text
from ingestion.sources import converter
from privacy.keys import Key
from privacy.pseudonyms import Kind, pseudonym
from privacy.sealing import unseal
from privacy.suppression import Suppression
from settings import PermanentError, Settings

_CHUNK = 5_000
_VALUE = r'\s*:\s*(?:"((?:[^"\\]|\\.)*)|([^",}\s]+))'
# Of a line that is no JSON the identifiers can still be read, as those who wrote it spell them.
_SPELT: dict[Kind, re.Pattern[str]] = {
    "user": re.compile(rf'"(?:userId|user_id)"{_VALUE}'),
    "anonymous": re.compile(rf'"(?:anonymousId|anonymous_id|user_pseudo_id)"{_VALUE}'),
}


@dataclass(frozen=True)
class Keys:
    seal: Key
    pseudonym: Key


def dispose_of_letters(
    con: duckdb.DuckDBPyConnection, settings: Settings, keys: Keys, suppression: Suppression, plain: Sequence[str] = ()
) -> int:
    """Drop the payloads that name somebody with a tombstone, or quote one of `plain`; their fate stays in the books.

    Call it in a transaction.

    A payload that does not open with the seal key can be read by nobody, and stays until its period is over.

    Returns:
        How many were dropped.
    """
    con.execute("create or replace temp table letters_of_erased (archive_id integer, record_offset bigint)")
    dropped = 0
    quotes = _quotes(plain)
    for place, text, topic in _texts(con, keys.seal):
        is_quoted = bool(quotes and quotes.search(text))
        names = set() if is_quoted else _identifiers(text, settings, topic)
        if is_quoted or any(_is_erased(suppression, keys.pseudonym, kind, value) for kind, value in names):
            con.execute("insert into letters_of_erased values (?, ?)", list(place))
            dropped += 1
    if dropped:
        con.execute("""
            delete from ops.dead_letters as letters using letters_of_erased as gone
            where letters.archive_id = gone.archive_id and letters.record_offset = gone.record_offset""")
    return dropped


def letters_naming(
    con: duckdb.DuckDBPyConnection, settings: Settings, keys: Keys, pseudonyms: set[str], plain: Sequence[str]
) -> list[dict[str, Any]]:
    """The dead letters that name one of the pseudonyms or quote one of `plain`, opened."""
    quotes = _quotes(plain)
    return [
        {"archive_id": place[0], "record_offset": place[1], "payload": text}
        for place, text, topic in _texts(con, keys.seal)
        if (quotes and quotes.search(text))
        or any(
            pseudonym(keys.pseudonym, kind, name) in pseudonyms for kind, name in _identifiers(text, settings, topic)
        )
    ]


def _quotes(plain: Sequence[str]) -> re.Pattern[str] | None:
    """Finds them anywhere in a payload, standing by themselves; bare numbers would be found in the wrong ones."""
    told = [one for one in plain if len(one) > 3 and not (one.isdigit() and len(one) < 8)]
    spelt = {re.escape(spelling) for one in told for spelling in (one, json.dumps(one)[1:-1])}
    return re.compile(rf"(?<![\w.@+-])(?:{'|'.join(sorted(spelt))})(?![\w@-])", re.IGNORECASE) if spelt else None


def _texts(con: duckdb.DuckDBPyConnection, key: Key) -> Iterator[tuple[tuple[int, int], str, str]]:
    """Place, what it says, and topic of each letter that opens."""
    places = con.execute("select archive_id, record_offset from ops.dead_letters order by all").pl()
    for part in places.iter_slices(_CHUNK):
        con.register("part", part.to_arrow())
        rows = con.execute("""
            select archive_id, record_offset, name, topic, payload
            from ops.dead_letters join part using (archive_id, record_offset) join ops.archives using (archive_id)
            """).fetchall()
        con.unregister("part")
        for archive_id, offset, name, topic, sealed in rows:
            try:
                text = unseal(key, sealed, f"{name}#{offset}").decode("utf-8", "replace")
            except PermanentError:
                continue
            yield (archive_id, offset), text, topic


def _identifiers(text: str, settings: Settings, topic: str) -> set[tuple[Kind, str]]:
    found = {(kind, quoted or bare) for kind, pattern in _SPELT.items() for quoted, bare in pattern.findall(text)}
    convert = converter(settings.topic(topic).format, settings.reporting_currency) or decode_text
    for read in (convert, decode_text):
        try:
            record = read(text)
        except (DeadLetter, ValueError, KeyError):
            continue
        kinds: tuple[tuple[Kind, str], ...] = (("user", "userId"), ("anonymous", "anonymousId"))
        found |= {(kind, str(record[name])) for kind, name in kinds if record.get(name)}
    return found


def _is_erased(suppression: Suppression, key: Key, kind: Kind, value: str) -> bool:
    return any(
        suppression.of(kind, name, key.rotations)
        for name in suppression.life(key, kind, pseudonym(key.first, kind, value))
    )
