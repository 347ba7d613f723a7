"""What upstream changed: fields that nobody reads, and fields that make dead letters; names only, never values.

Every dead letter that one field is to blame for is counted under it. Fields that are not read are looked for in a
sample, about a hundred records of each archive: of Segment's format keys, of GA4's export columns and event parameters,
of Snowplow's events the schemas of their self-describing parts. What comes up after the topic's first load is new.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import duckdb
import polars as pl

from ingestion.compression import compression
from ingestion.decoding import ENVELOPES
from ingestion.orders import CURRENCIES, ORDER_IDS, PAID_BACK
from ingestion.records import EXPERIMENT
from ingestion.zone import File
from privacy.redaction import REDACTED, redact

MAX_NAMES = 500  # of one topic; what comes beyond them is counted under OTHERS
OTHERS = "(others)"
NEW_DAYS = 7
_SAMPLED = 100
_PACKED_BYTES, _PLAIN_BYTES = 100, 600  # of a record, roughly
_READ = {
    "": {
        "messageId", "type", "event", "anonymousId", "userId", "timestamp", "receivedAt", "context", "properties",
        *ENVELOPES, "schema",
    },
    "context.": {"campaign", "page", "userAgent", "consent", "consentManagement", "isBot", "location"},
    "properties.": {
        "revenue", "subtotal", "value", "products", "tax", "shipping", "discount", "url", "referrer", *ORDER_IDS,
        *CURRENCIES, *PAID_BACK,
        *[name for names in EXPERIMENT.values() for name in names],
    },
}  # fmt: skip
_LONGEST_KEPT = 8192  # of a shape whose names are remembered
# A key with a long number in it is no field but data: someone's id in a map.
_NAME = re.compile(r"(?!.*\d{4})[A-Za-z_$][\w $.:-]{0,63}", re.ASCII)
_LONGEST_NAME = 64

_COLUMNS = pl.Schema({
    "topic": pl.String(), "field": pl.String(), "problem": pl.String(), "seen_on": pl.Date(),
    "first_seen_at": pl.Datetime("us"), "records": pl.Int64(),
})  # fmt: skip


def shape(line: str, message_id: str) -> str:
    """SQL for the keys of some lines (of the others null), as text that is alike for lines that are built alike."""
    keys = f"json_array(json_keys({line}), json_keys({line}, '$.context'), json_keys({line}, '$.properties'))"
    return f"case when hash({message_id}) % one_in = 0 then {keys}::varchar end"


def one_in(path: File) -> int:
    """How many records there are for each that is looked at."""
    bytes_each = _PLAIN_BYTES if compression(path) == "uncompressed" else _PACKED_BYTES
    return max(1, path.stat().st_size // (bytes_each * _SAMPLED))


def unread(shape: str) -> frozenset[str]:
    """The dotted names in a shape that no reader reads; one that may be a person's is ``(redacted)``."""
    return _unread(shape) if len(shape) <= _LONGEST_KEPT else _unread.__wrapped__(shape)


@lru_cache(maxsize=4096)
def _unread(shape: str) -> frozenset[str]:
    parts = zip(_READ.items(), json.loads(shape), strict=True)
    return frozenset(
        prefix + _shown(key) for (prefix, read), keys in parts for key in keys or [] if key not in read
    )  # fmt: skip


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) and redact(name) == name else REDACTED


def is_sampled(line: bytes, one_in: int) -> bool:
    """Whether a line of a format that is read one by one is among those that are looked at."""
    return zlib.crc32(line) % one_in == 0


def count_names(lines: Iterable[Iterable[str]]) -> Counter[tuple[str, str]]:
    """As :func:`count`, of lines each of which has these names that no reader reads."""
    counted: Counter[tuple[str, str]] = Counter()
    for names in lines:
        counted["", ""] += 1
        counted.update({(_shown(name), "") for name in names})
    return counted


def count(shapes: Iterable[tuple[str, int]]) -> Counter[tuple[str, str]]:
    """How many records have each field that is not read; under ``("", "")`` how many were looked at."""
    counted: Counter[tuple[str, str]] = Counter()
    for text, records in shapes:
        counted["", ""] += records
        counted.update(dict.fromkeys([(name, "") for name in unread(text)], records))
    return counted


def note(con: duckdb.DuckDBPyConnection, group: Iterable[tuple[str, Counter[tuple[str, str]]]], now: datetime) -> None:
    """Add what archives, each with its topic, say about fields. Call it in the transaction that loads the data.

    In ``ops.fields`` `problem` is the reason of dead letters, or '' for a field that is not read; the row without a
    field counts the records that were looked at for those.
    """
    noted: dict[str, Counter[tuple[str, str]]] = {}
    for topic, counted in group:
        if counted:
            noted.setdefault(topic, Counter()).update(counted)
    if not noted:
        return
    known: dict[str, set[str]] = {}
    for topic, name in con.execute("select distinct topic, field from ops.fields where field <> ''").fetchall():
        known.setdefault(topic, set()).add(name)
    rows: Counter[tuple[str, str, str]] = Counter()
    for topic, counted in noted.items():
        names = known.setdefault(topic, set())
        for (name, problem), records in sorted(counted.items()):
            if name and name not in names:
                name = name if len(names) < MAX_NAMES else OTHERS
                names.add(name)
            rows[topic, name, problem] += records
    table = [(*key, now.date(), now, records) for key, records in rows.items()]
    con.register("noted_fields", pl.DataFrame(table, schema=_COLUMNS, orient="row").to_arrow())
    con.execute("""
        insert into ops.fields by name from noted_fields
        on conflict do update set records = fields.records + excluded.records""")
    con.unregister("noted_fields")


def summary(con: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """Fields that came up in the last days, and those that made dead letters on their topic's last day.

    `share` is of the records that were looked at since the field came up, or of all the topic's records of that day.
    """
    new = con.execute(f"""
        with topics as (
            select topic, min(first_seen_at) as first_load_at, max(seen_on) as last_on from ops.fields group by all
        ),
        found as (
            select topic, field, min(first_seen_at) as first_seen_at, min(seen_on) as since, sum(records) as records
            from ops.fields where problem = '' and field <> '' group by all
        )
        select topic, field, {_text("first_seen_at")}, records::bigint as records, records / (
                select sum(looked.records) from ops.fields as looked
                where looked.topic = found.topic and looked.field = '' and looked.seen_on >= since
            ) as share
        from found join topics using (topic)
        where first_seen_at > first_load_at and since > last_on - {NEW_DAYS}
        order by share desc, topic, field""")
    found = {"new": _dicts(new)}
    broken = con.execute(f"""
        with totals as (
            select topic, loaded_at::date as seen_on, sum(records) as total
            from ops.archives where kind = 'events' and state = 'loaded' group by topic, seen_on
            qualify row_number() over (partition by topic order by seen_on desc) = 1
        )
        select topic, field, problem as reason, {_text("earliest")}, records, records / total as share
        from ops.fields join totals using (topic, seen_on)
        join (select topic, field, problem, min(first_seen_at) as earliest from ops.fields group by all)
            using (topic, field, problem)
        where problem <> '' order by share desc, topic, field, reason""")
    return found | {"broken": _dicts(broken)}


def _text(moment: str) -> str:
    return f"strftime({moment}, '%Y-%m-%dT%H:%M:%SZ') as first_seen_at"


def _dicts(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
