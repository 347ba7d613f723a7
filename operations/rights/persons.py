"""Who is meant: from an identifier to every pseudonym that a region knows to be the same person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from privacy.keys import Key
from privacy.pseudonyms import nested, pseudonym
from privacy.suppression import Suppression

Span = tuple[datetime, datetime]

# Who used which device when, as int_identity__device_users resolves it, straight from the events.
_SPANS = """
    with handovers as (
        select anonymous_id, user_id, occurred_at, message_order, message_id from raw.events
        where anonymous_id = $device and user_id is not null
        window sightings as (order by occurred_at, message_order, message_id)
        qualify user_id is distinct from lag(user_id) over sightings
    )
    select user_id,
        case when row_number() over sightings = 1 then '0001-01-01' else occurred_at end::timestamp as valid_from,
        coalesce(lead(occurred_at) over sightings, '9999-12-31 23:59:59.999999'::timestamp) as valid_to
    from handovers window sightings as (order by occurred_at, message_order, message_id)"""


# What nobody sees around a text that was copied from somewhere: blanks, and characters of no width.
_AROUND = re.compile(r"\A[\s\u200b-\u200d\u2060\ufeff]+|[\s\u200b-\u200d\u2060\ufeff]+\Z")


@dataclass(frozen=True)
class Subject:
    """Whom a request is about, in plain text: it lives in memory and is never written or printed."""

    user_id: str | None = None
    anonymous_id: str | None = None
    email: str | None = None

    def __repr__(self) -> str:
        return "Subject(…)"

    def trimmed(self) -> Subject:
        """Without what stands invisibly around its identifiers."""
        texts = (self.user_id, self.anonymous_id, self.email)
        return Subject(*(one and _AROUND.sub("", one) for one in texts))

    @property
    def has_blanks(self) -> bool:
        return self != self.trimmed()

    @property
    def emails(self) -> set[str]:
        """The address, trimmed and in small letters."""
        email = self.trimmed().email
        return {email.casefold()} if email else set()

    @property
    def user_ids(self) -> set[str]:
        """As given and as trimmed; an address may be a user's id, too."""
        return _both(self.user_id, self.trimmed().user_id, self.trimmed().email, *self.emails)

    @property
    def anonymous_ids(self) -> set[str]:
        return _both(self.anonymous_id, self.trimmed().anonymous_id)

    @property
    def texts(self) -> set[str]:
        """Everything it was given by, as dead letters may quote it."""
        return _both(*self.user_ids, *self.anonymous_ids)


def _both(*texts: str | None) -> set[str]:
    return {one for one in texts if one}


@dataclass(frozen=True)
class Identifiers:
    """Plain identifiers of a person, as the request names them; they live in memory only."""

    user_ids: tuple[str, ...] = ()
    anonymous_ids: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Identifiers({len(self.user_ids)} users, {len(self.anonymous_ids)} devices)"

    @property
    def texts(self) -> tuple[str, ...]:
        return self.user_ids + self.anonymous_ids


@dataclass
class Person:
    """Pseudonyms of one person, as 32 hexadecimal digits."""

    users: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    shared: dict[str, list[Span]] = field(
        default_factory=dict
    )  # devices that others use too, and when it was the person

    @property
    def all(self) -> set[str]:
        return self.users | self.devices


def named(identifiers: Identifiers, key: Key, suppression: Suppression | None) -> Person:
    """The pseudonyms that the identifiers go by now; after an erasure, the one of whoever came again."""

    def current(kind, value: str) -> str:
        first = pseudonym(key.first, kind, value)
        return nested(suppression.life(key, kind, first)[-1] if suppression else first, key.rotations)

    return Person(
        users={current("user", value) for value in identifiers.user_ids},
        devices={current("anonymous", value) for value in identifiers.anonymous_ids},
    )


def resolve(con: duckdb.DuckDBPyConnection, person: Person) -> Person:
    """Add who else the region knows the person as: the one user of a device, and the devices of a user.

    A device on which several users were seen tells of none of them who the person is, so from such a device nothing
    follows; and of a user's shared device only the time that it was the user's is the person's.
    """
    users = person.users | {user for device in person.devices if (user := _only_user(con, device))}
    found = Person(users, set(person.devices))
    for device in _devices(con, users) - person.devices:
        if _users(con, device) <= users:
            found.devices.add(device)
        elif spans := [(first, last) for user, first, last in _spans(con, device) if user in users]:
            found.shared[device] = spans
    return found


def _only_user(con: duckdb.DuckDBPyConnection, device: str) -> str | None:
    users = _users(con, device)
    return next(iter(users)) if len(users) == 1 else None


def _users(con: duckdb.DuckDBPyConnection, device: str) -> set[str]:
    query = "select user_id from ops.device_owners where anonymous_id = ?::uuid"
    if owners := con.execute(query, [device]).fetchall():
        return {owners[0][0].hex}
    return _pseudonyms(con, "user_id", "anonymous_id = $id::uuid", device)


def _devices(con: duckdb.DuckDBPyConnection, users: Iterable[str]) -> set[str]:
    return {one for user in users for one in _pseudonyms(con, "anonymous_id", "user_id = $id::uuid", user)}


def _pseudonyms(con: duckdb.DuckDBPyConnection, column: str, where: str, value: str) -> set[str]:
    """From the events and from what identity resolution made of them, some of which may be gone."""
    places = ["raw.events", "ops.device_owners", *_identity_tables(con)]
    query = " union ".join(f"select {column} from {place} where {where}" for place in places)
    return {row[0].hex for row in con.execute(query, {"id": value}).fetchall() if row[0]}


def _spans(con: duckdb.DuckDBPyConnection, device: str) -> list[tuple[str, datetime, datetime]]:
    if con.execute("select count(*) from ops.device_owners where anonymous_id = ?::uuid", [device]).fetchall() != [
        (0,)
    ]:
        return []  # whole its owner's, whoever was seen on it
    rows = con.execute(_SPANS.replace("$device", "$device::uuid"), {"device": device}).fetchall()
    for place in _identity_tables(con):
        query = f"select user_id, valid_from, valid_to from {place} where anonymous_id = $device::uuid"
        rows += con.execute(query, {"device": device}).fetchall()
    return [(user.hex, first, last) for user, first, last in rows]


def _identity_tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    table = "int_identity__device_users"
    query = "select count(*) from duckdb_tables() where schema_name = 'intermediate' and table_name = ?"
    return [f"intermediate.{table}"] if con.execute(query, [table]).fetchall() == [(1,)] else []
