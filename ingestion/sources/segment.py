"""Segment Spec records as JSON lines: a set-based reader for the many, the exact one for the few.

The query takes what it is sure the exact reader (:mod:`ingestion.records`) would read alike; every other line,
and every commerce track, since money is read from text, is marked ``is_unsure`` and goes through that reader.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import polars as pl

from ingestion import fields
from ingestion.decoding import DeadLetter, decode_any
from ingestion.reading import Reading
from ingestion.record_fields import NOBODY
from ingestion.records import EXPERIMENT, EXPERIMENT_EVENT, GEOGRAPHY, MAX_RECORD_BYTES, TYPES
from privacy.consent import UnreadableConsentError, stated
from settings import COMMERCE_SPELLINGS

BOTH = "\x1f"  # begins, and parts, what is stated in two places; no JSON has it

# Text leaves come as JSON where a number must not pass for a string, so strings still have their quotes.
_STRUCTURE = (
    '{"messageId":"JSON","type":"VARCHAR","event":"VARCHAR","anonymousId":"JSON","userId":"JSON",'
    '"timestamp":"VARCHAR","receivedAt":"VARCHAR","context":{"campaign":"JSON","page":{"url":"VARCHAR","referrer":"VARCHAR"},"userAgent":"VARCHAR",'
    '"consent":"JSON","consentManagement":"JSON","isBot":"JSON","location":{"region":"JSON","country":"JSON"}},'
    '"properties":{"experiment_id":"JSON","experiment_name":"JSON","variation_id":"JSON","variation_name":"JSON","url":"JSON"}}'
)
# Few records have one, so it is read in a second step.
_CAMPAIGN = '{"source":"JSON","medium":"JSON","name":"JSON","id":"JSON"}'
_QUOTED = {
    "message_id": "r.messageId", "anonymous_id": "r.anonymousId", "user_id": "r.userId",
    "campaign_source": "c.source", "campaign_medium": "c.medium",
    "campaign_name": "c.name", "campaign_id": "c.id",
}  # fmt: skip
_IDS = ("message_id", "anonymous_id", "user_id", "campaign_name", "campaign_id")  # numbers pass, as their digits
_PERSONS = (_QUOTED["anonymous_id"], _QUOTED["user_id"])
# What is stated of consent, as JSON: few texts that are many records', so each is read once, by the exact reader.
_CONSENT = f"""case when r.context.consentManagement is null then r.context.consent::varchar
    else concat('{BOTH}', r.context.consent::varchar, '{BOTH}', r.context.consentManagement::varchar) end"""
_UNQUOTED = {
    "type": "r.type", "event": "r.event", "page_url": "r.context.page.url",
    "page_referrer": "r.context.page.referrer", "user_agent": "r.context.userAgent",
}  # fmt: skip
# The first of several that is there; those of an experiment are read of no other track.
_LABELS = {
    "geography": [f"r.context.location.{name}" for name in GEOGRAPHY],
    **{name: [f"r.properties.{one}" for one in properties] for name, properties in EXPERIMENT.items()},
}
_IS_EXPERIMENT = f"r.type = 'track' and r.event = '{EXPERIMENT_EVENT}'"
_HOUR = r"([01]\d|2[0-3]):[0-5]\d"
_RFC3339 = rf"^(19|20)\d\d-\d\d-\d\dT{_HOUR}:[0-5]\d(\.\d{{1,6}})?(Z|[+-]{_HOUR})$"
_WHOLE = r"^[1-9]\d{0,17}$"  # more digits, DuckDB does not keep
_NO_TEXT = r"^([-0-9{\[]|true$|false$|(?i:nan|inf))"
# What DuckDB reads and RFC 8259 does not know (NaN, Infinity, a comma before a bracket), and keys that could hide
# behind escapes. Each pattern begins with a literal, which is what makes the search cheap.
_LENIENT = (
    r":\s*-?(?i:nan|inf(inity)?)\s*[,}\]]",
    r",\s*([}\]]|-?(?i:nan|inf(inity)?)\s*[,}\]])",
    r"\[\s*-?(?i:nan|inf(inity)?)\s*[,}\]]",
    r"\\u00[4-7]",
)
# Present in the text, yet nothing was read below it: empty, or of another type.
_CONTAINERS = {
    "context": "r.context.page.url is null and r.context.userAgent is null",
    "page": "r.context.page.url is null and r.context.page.referrer is null",
}


def query(source: str, now: datetime) -> str:
    """SQL over `source`, a relation (record_offset, line, one_in) with valid JSON in ``line``: PLAIN's columns for
    behaviour, ``is_unsure``, and of one in so many rows ``shape``. `now`: UTC, naive.

    It has no parameters, since with one it would be planned anew at every run."""
    values = [f"{path}->>'$' as {name}" for name, path in _QUOTED.items()]
    values += [f"nullif({path}, '') as {name}" for name, path in _UNQUOTED.items()]
    for name, paths in _LABELS.items():
        texts = ", ".join(f"nullif({path}->>'$', '')" for path in paths)
        is_told = _IS_EXPERIMENT if name in EXPERIMENT else "true"
        values.append(f"case when {is_told} then coalesce({texts}) end as {name}")
    return f"""
        with transformed as (
            select record_offset, line, one_in, json_transform(line, '{_STRUCTURE}') as r from {source}),
        complete as (select *, json_transform(r.context.campaign, '{_CAMPAIGN}') as c from transformed),
        read as (
            select record_offset, {", ".join(values)},
                {_moment("r.timestamp")} as occurred_at, {_moment("r.receivedAt")} as received_at,
                {_CONSENT} as consent, coalesce(r.context.isBot = 'true', false) as is_robot,
                not coalesce({" and ".join(_sure(now))}, false) as is_unsure,
                {fields.shape("line", "r.messageId")} as shape
            from complete)
        select * replace (
                case when type in {TYPES} then type else 'other' end as type,
                case when type = 'track' then event end as event,
                nullif(anonymous_id, '') as anonymous_id, nullif(user_id, '') as user_id,
                nullif(campaign_source, '') as campaign_source, nullif(campaign_medium, '') as campaign_medium,
                nullif(campaign_name, '') as campaign_name, nullif(campaign_id, '') as campaign_id)
        from read"""


def with_consent(frame: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """What :func:`query` found, with ``analytics_consent`` in place of ``consent``; what cannot be read is unsure."""
    distinct = frame["consent"].drop_nulls().unique()
    said = [_stated(text, reading.consent.analytics) for text in distinct]
    verdicts = pl.Series([verdict for verdict, _ in said], dtype=pl.Boolean)
    odd = distinct.filter(pl.Series([is_odd for _, is_odd in said], dtype=pl.Boolean))
    given = frame["consent"].replace_strict(distinct, verdicts, default=None, return_dtype=pl.Boolean)
    is_unsure = frame["is_unsure"]
    if not odd.is_empty():
        is_unsure = is_unsure | frame["consent"].is_in(odd.implode()).fill_null(value=False)
    return frame.with_columns(given.alias("analytics_consent"), is_unsure.alias("is_unsure")).drop("consent")


@lru_cache(maxsize=50_000)
def _stated(text: str, names: tuple[str, ...]) -> tuple[bool | None, bool]:
    """The verdict, and whether the text can only be judged with the rest of its record."""
    parts = text.split(BOTH)[1:] if text.startswith(BOTH) else [text, ""]
    try:
        consent, management = (decode_any(part) if part else None for part in parts)
        return stated(consent, management, names), False
    except (UnreadableConsentError, DeadLetter):
        return None, True


def _sure(now: datetime) -> list[str]:
    """Conditions under which the row can be taken as it is; a null is a no."""
    return [
        f"strlen(line) < {MAX_RECORD_BYTES // 2}",
        "strlen(r.messageId) > 2",
        "(strlen(r.anonymousId) > 2 or strlen(r.userId) > 2)",
        *[_is_plain(path) for name, path in _QUOTED.items() if name not in _IDS],
        *[f"({_is_plain(_QUOTED[name])} or regexp_matches({_QUOTED[name]}, '{_WHOLE}'))" for name in _IDS],
        *[_is_plain(path) for path in _LABELS["geography"]],
        *[
            f"(not coalesce({_IS_EXPERIMENT}, false) or {_is_plain(path)})"
            for name in EXPERIMENT
            for path in _LABELS[name]
        ],
        *[f"({path} is null or {_is_long(path)} or not {_is_nobody(path)})" for path in _PERSONS],
        "r.type <> '' and (r.type <> 'track' or r.event <> '')",
        f"(r.type in {TYPES} or lower(trim(r.type)) not in {TYPES})",
        "(r.context.page.url <> '' or r.properties.url is null or r.type not in ('page', 'screen')) is true",
        f"(r.event is null or not regexp_full_match(r.event, '{COMMERCE_SPELLINGS}'))",
        *[f"({path} is null or not regexp_matches({path}, '{_NO_TEXT}'))" for path in _UNQUOTED.values()],
        f"regexp_matches(r.timestamp, '{_RFC3339}') and {_moment('r.timestamp')} is not null",
        f"(r.receivedAt is null or (regexp_matches(r.receivedAt, '{_RFC3339}')"
        f" and {_moment('r.receivedAt')} is not null))",
        f"{_moment('r.timestamp')} - coalesce({_moment('r.receivedAt')}, timestamp '{now}') <= interval 1 day",
        *[
            f"""case when {empty} then not contains(line, '"{name}"') else true end"""
            for name, empty in _CONTAINERS.items()
        ],
        "(r.context.campaign is null or coalesce(c.source, c.medium, c.name, c.id) is not null)",
        *[f"not regexp_matches(line, '{pattern}')" for pattern in _LENIENT],
    ]


def _is_nobody(path: str) -> str:
    return f"""regexp_full_match({path}, '(?i)"{NOBODY}"')"""


def _is_long(path: str) -> str:
    """Longer than any word for nobody, and no UUID of zeros: told far faster than by the pattern."""
    return f"""(strlen({path}) > 13 and not starts_with({path}, '"00000000-0000'))"""


def _is_plain(path: str) -> str:
    return f"""({path} is null or (starts_with({path}, '"') and not contains({path}, '\\')))"""


def _moment(path: str) -> str:
    # A cast to timestamp would drop the offset without a word.
    return f"make_timestamp(epoch_us(try_cast({path} as timestamptz)))"
