"""The tombstones of a region: whose records are kept out, so that a person who was erased never comes back.

A tombstone is an HMAC of a pseudonym under a key of its own (purpose ``suppression``), which no rotation changes. It is
made of the pseudonym rather than of the plain identifier because of a person's devices only their pseudonyms are known;
and so a region's file, too, can be searched for whom it must not hold. The book names nobody: without the key it tells
neither who was erased nor whether somebody was.

Who returns with consent is a new person: the identifier then goes by the successor of its erased pseudonym, which
nothing links to the old one but the key. An erasure of the new person is a tombstone for that successor, and so on.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from privacy.keys import Key
from privacy.pseudonyms import HEX_DIGITS, Kind, nested, nested_all, pseudonym, pseudonyms

ALWAYS = (datetime.min, datetime.max)


@dataclass(frozen=True)
class Tombstone:
    """One erased pseudonym. Of a device that others use too, only `span` is the person's, and what names no user."""

    mark: str
    erased_at: datetime  # UTC, naive
    request: str
    span: tuple[datetime, datetime] = ALWAYS  # the end not included

    @property
    def is_whole(self) -> bool:
        return self.span == ALWAYS

    def holds(self, moment: datetime, *, has_user: bool) -> bool:
        """Whether a record with this identifier is the erased person's."""
        return self.is_whole or (not has_user and self.span[0] <= moment < self.span[1])


def mark(key: Key, kind: Kind, pseudonym_: str) -> str:
    """What stands on a pseudonym's tombstone."""
    return pseudonym(key, kind, pseudonym_)


def successor(pseudonym_key: Key, kind: Kind, erased: str) -> str:
    """The pseudonym under which the bearer of an erased one comes again."""
    message = f"{kind} again\x1f{erased}".encode()
    return hmac.new(pseudonym_key.secret.hex().encode(), message, hashlib.sha256).hexdigest()[:HEX_DIGITS]


class Suppression:
    """The tombstones in memory, by their marks."""

    def __init__(self, key: Key, tombstones: Sequence[Tombstone]) -> None:
        self.key = key
        self._stones: dict[str, list[Tombstone]] = defaultdict(list)
        for one in tombstones:
            self._stones[one.mark].append(one)
        self._marks = pl.Series(list(self._stones), dtype=pl.String)

    def of(self, kind: Kind, pseudonym_: str, rotations: Sequence[bytes] = ()) -> list[Tombstone]:
        """Its tombstones, as it is and as each of the rotations leaves it: it was erased under one or another."""
        names = [nested(pseudonym_, rotations[:count]) for count in range(len(rotations) + 1)]
        return [stone for name in names for stone in self._stones.get(mark(self.key, kind, name), [])]

    def erased(self, kind: Kind, values: pl.Series, rotations: Sequence[bytes] = ()) -> dict[str, list[Tombstone]]:
        """Of these pseudonyms those that have tombstones, with them; `rotations` as in :meth:`of`."""
        names = values.drop_nulls().unique().alias("value").to_frame()
        found: dict[str, list[Tombstone]] = defaultdict(list)
        for count in range(len(rotations) + 1):
            marked = names.with_columns(nested_all(pl.col("value"), rotations[:count]).alias("name")).select(
                "value", pseudonyms(self.key, kind, "name").alias("mark"))  # fmt: skip
            for value, one in marked.filter(pl.col("mark").is_in(self._marks.implode())).iter_rows():
                found[value] += self._stones[one]
        return dict(found)

    def life(self, pseudonym_key: Key, kind: Kind, first: str) -> list[str]:
        """The pseudonyms an identifier has had, the one for whoever comes now last, all as before any rotation."""
        names = [first]
        while any(stone.is_whole for stone in self.of(kind, names[-1], pseudonym_key.rotations)):
            names.append(successor(pseudonym_key, kind, names[-1]))
        return names

    def screen(self, plain: pl.DataFrame, pseudonym_key: Key) -> pl.DataFrame:
        """Judge records by their identifiers.

        Args:
            plain: ``anonymous_id`` and ``user_id`` in plain text, ``occurred_at``, ``received_at`` and
                ``analytics_consent`` as the record itself states it.

        Returns:
            As many rows: ``is_suppressed``, and under ``anonymous_id`` and ``user_id`` the pseudonym that a returning
            person's identifier goes by, null where it is none.
        """
        lives = {name: self._lives(pseudonym_key, kind, plain[name]) for name, kind in _KINDS.items()}
        concerned = plain.with_row_index("row").filter(
            pl.any_horizontal(pl.col(name).is_in(list(known)) for name, known in lives.items())
        )
        judged = [
            (row["row"], *self._judge(row, lives, pseudonym_key.rotations)) for row in concerned.iter_rows(named=True)
        ]
        schema = {"row": pl.UInt32, "is_suppressed": pl.Boolean, **dict.fromkeys(_KINDS, pl.String)}
        rows = pl.DataFrame(judged, schema=schema, orient="row")
        all_rows = plain.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))
        whole = all_rows.join(rows, on="row", how="left", maintain_order="left")
        return whole.select(pl.col("is_suppressed").fill_null(value=False), *_KINDS)

    def _lives(self, pseudonym_key: Key, kind: Kind, values: pl.Series) -> dict[str, list[str]]:
        """The plain identifiers whose pseudonym was erased, with all pseudonyms they have had."""
        named = values.drop_nulls().unique().alias("value").to_frame().with_columns(
            pseudonyms(pseudonym_key.first, kind, "value").alias("pseudonym"))  # fmt: skip
        erased = self.erased(kind, named["pseudonym"], pseudonym_key.rotations)
        return {value: self._names(pseudonym_key, kind, first) for value, first in named.iter_rows() if first in erased}

    def _names(self, pseudonym_key: Key, kind: Kind, first: str) -> list[str]:
        """:meth:`life` with one name more wherever a span may turn a record away."""
        names = [first]
        while self.of(kind, names[-1], pseudonym_key.rotations):
            names.append(successor(pseudonym_key, kind, names[-1]))
        return names

    def _judge(
        self, row: dict, lives: dict[str, dict[str, list[str]]], rotations: Sequence[bytes]
    ) -> tuple[bool, str | None, str | None]:
        names: dict[str, str | None] = dict.fromkeys(_KINDS)
        for column, kind in _KINDS.items():
            for name in lives[column].get(row[column], []):
                stones = [
                    one for one in self.of(kind, name, rotations)
                    if one.holds(row["occurred_at"], has_user=row["user_id"] is not None)
                ]  # fmt: skip
                if not stones:
                    names[column] = nested(name, rotations)
                    break
                if not all(_is_new_consent(row, stone.erased_at) for stone in stones):
                    return True, None, None
        return False, names["anonymous_id"], names["user_id"]


_KINDS: dict[str, Kind] = {"anonymous_id": "anonymous", "user_id": "user"}


def _is_new_consent(row: dict, erased_at: datetime) -> bool:
    """Consent that the record itself states, about something done and received after the erasure."""
    received_at = row["received_at"] or row["occurred_at"]
    return row["analytics_consent"] is True and min(row["occurred_at"], received_at) > erased_at
