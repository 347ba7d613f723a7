"""Sealed dead letters of persons who were erased: those that open to their identifiers are disposed of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from ingestion.reading import Reading
from ingestion.record_fields import Fields
from ingestion.records import DeadLetter, decode_record
from ingestion.sources import converter
from privacy.keys import Key
from privacy.pseudonyms import Kind, pseudonym
from privacy.sealing import unseal
from privacy.suppression import Suppression
from settings import PermanentError, Settings

Quotes = Callable[[str], object]  # whether a payload quotes somebody who is looked for
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
    con: duckdb.DuckDBPyConnection, settings: Settings, keys: Keys, suppression: Suppression, quotes: Quotes
) -> int:
    """Drop the payloads that name somebody with a tombstone, or quote one; their fate stays in the books.

    Call it in a transaction.

    A payload that does not open with the seal key can be read by nobody, and stays until its period is over.

    Returns:
        How many were dropped.
    """
    con.execute("create or replace temp table letters_of_erased (archive_id integer, record_offset bigint)")
    dropped = 0
    for place, text, topic in _texts(con, keys.seal):
        is_quoted = quotes(text)
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
    con: duckdb.DuckDBPyConnection, settings: Settings, keys: Keys, persons: Sequence[tuple[set[str], Quotes]]
) -> list[list[dict[str, Any]]]:
    """For each person, by pseudonyms and by what quotes them, the dead letters that name or quote them, opened."""
    found: list[list[dict[str, Any]]] = [[] for _ in persons]
    if not persons:
        return found
    for place, text, topic in _texts(con, keys.seal):
        named = {pseudonym(keys.pseudonym, kind, name) for kind, name in _identifiers(text, settings, topic)}
        for (pseudonyms, quotes), letters in zip(persons, found, strict=True):
            if named & pseudonyms or quotes(text):
                letters.append({"archive_id": place[0], "record_offset": place[1], "payload": text})
    return found


def is_told_by(text: str) -> bool:
    """Whether a text by itself tells who is meant: bare numbers would be found in every other number."""
    return len(text) > 3 and not (text.isdigit() and len(text) < 8)


def quotes_of(plain: Sequence[str]) -> Quotes:
    """Finds texts anywhere in a payload, standing by themselves."""
    told = [one for one in plain if is_told_by(one)]
    spelt = {re.escape(spelling) for one in told for spelling in (one, json.dumps(one)[1:-1])}
    if not spelt:
        return lambda _: False
    return re.compile(rf"(?<![\w.@+-])(?:{'|'.join(sorted(spelt))})(?![\w@-])", re.IGNORECASE).search


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
    for read in (converter(settings.topic(topic).format, Reading()), decode_record):
        try:
            record = read(text)
        except (DeadLetter, ValueError, KeyError):
            continue
        kinds: tuple[tuple[Kind, str], ...] = (("user", "userId"), ("anonymous", "anonymousId"))
        fields = Fields(record)
        found |= {
            (kind, value) for kind, name in kinds if (value := fields.number(name) or str(record.get(name) or ""))
        }
    return found


def _is_erased(suppression: Suppression, key: Key, kind: Kind, value: str) -> bool:
    return any(
        suppression.of(kind, name, key.rotations)
        for name in suppression.life(key, kind, pseudonym(key.first, kind, value))
    )
