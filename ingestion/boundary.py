"""The boundary: from plain records in memory to rows without a person's data, each with its fate.

Only the columns of :data:`MASKED` pass. What is not listed there is never written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from ingestion.bots import is_bot
from ingestion.campaigns import CAMPAIGN, campaigns_of, redacted_campaigns, replaced
from ingestion.identity import identities
from ingestion.reading import DEFAULTS, Reading
from ingestion.records import EXPERIMENT_EVENT
from privacy.keys import Key
from privacy.pseudonyms import Kind, order_keys, pseudonym, pseudonyms
from privacy.redaction import LONGEST_BYTES, is_email, is_too_long, redact
from privacy.suppression import Suppression

# Identifiers are 32 hexadecimal digits here and UUID (16 bytes) in the database.
MASKED = pl.Schema({
    "record_offset": pl.Int64(), "fate": pl.String(), "message_id": pl.String(), "message_order": pl.String(),
    "type": pl.String(), "event": pl.String(), "occurred_at": pl.Datetime("us"), "received_at": pl.Datetime("us"),
    "anonymous_id": pl.String(), "user_id": pl.String(),
    "campaign_source": pl.String(), "campaign_medium": pl.String(), "campaign_name": pl.String(),
    "campaign_id": pl.String(),
    "page_host": pl.String(), "referrer_host": pl.String(),
    "experiment": pl.String(), "variation": pl.String(), "geography": pl.String(),
    "order_id": pl.String(), "currency": pl.String(), "revenue_minor": pl.Int64(), "tax_minor": pl.Int64(),
    "shipping_minor": pl.Int64(), "total_minor": pl.Int64(),
    "is_anonymised": pl.Boolean(), "is_consent_stated": pl.Boolean(),
})  # fmt: skip

# Who said no, and when: where silence counts as consent, what they do afterwards must not be used.
REFUSALS = pl.Schema({
    "number": pl.Int64(), "anonymous_id": pl.String(), "user_id": pl.String(), "refused_at": pl.Datetime("us"),
})  # fmt: skip

_CUT: dict[str, pl.DataType] = {"cut": pl.List(pl.String())}
_PERSONS: dict[Kind, str] = {"anonymous": "anonymous_id", "user": "user_id"}
_HOST = r"^[A-Za-z][A-Za-z0-9+.\-]*://(?:[^/?#@\\]*@)?([^/?#:@]+)"
_AS_FLOAT = re.compile(r"[0-9]+\.0+")
_PLAIN_HOST = r"^[a-z0-9.\-]+$"
GEOGRAPHY_CHARACTERS = 64
_HOST_CHARACTERS = 253


@dataclass(frozen=True)
class Policy:
    """What decides a record's fate in one region."""

    key: Key
    is_consent_default: bool
    raw_days: int
    now: datetime  # UTC, naive
    conversions: frozenset[str] = frozenset()  # tracks whose name is kept, since the configuration counts them
    suppression: Suppression | None = None  # None: nobody was ever erased
    reading: Reading = DEFAULTS
    region: str = ""


def mask(plain: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Decide the fate of each record (all but ``duplicate``, which the books know) and take the person out of it.

    Args:
        plain: rows of :data:`ingestion.records.PLAIN`.

    Returns:
        As many rows of :data:`MASKED`; one that is not kept has its offset and fate and nothing else. Beside them
        ``cut`` names the columns whose value was longer than 1 KiB, so that only its beginning is kept.
    """
    if plain.is_empty():
        return pl.Schema({**MASKED, **_CUT}).to_frame()
    screened = _screened(plain, policy)
    decided = plain.with_columns(_fate(plain, policy, screened["is_suppressed"]).alias("fate"), *_successors(screened))
    kept = decided.filter(pl.col("fate").is_in(["loaded", "anonymised"]))
    dropped = decided.filter(~pl.col("fate").is_in(["loaded", "anonymised"])).select("record_offset", "fate")
    masked = _masked(kept, policy) if len(kept) else pl.Schema({**MASKED, **_CUT}).to_frame()
    return pl.concat([masked, dropped], how="diagonal").select(*MASKED.names(), *_CUT)


def _screened(plain: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    if policy.suppression:
        return policy.suppression.screen(plain, policy.key)
    length = len(plain)
    return pl.DataFrame(
        {
            "is_suppressed": pl.repeat(False, length, eager=True),
            **{name: pl.repeat(None, length, dtype=pl.String, eager=True) for name in ("anonymous_id", "user_id")},
        }
    )


def _successors(screened: pl.DataFrame) -> list[pl.Series]:
    return [screened[name].alias(f"{name}_successor") for name in ("anonymous_id", "user_id")]


def _fate(plain: pl.DataFrame, policy: Policy, is_suppressed: pl.Series) -> pl.Series:
    is_commerce = pl.col("order_id").is_not_null()
    has_consent = pl.col("analytics_consent").fill_null(policy.is_consent_default)
    has_person = pl.col("anonymous_id").is_not_null() | pl.col("user_id").is_not_null()
    agents = plain["user_agent"].drop_nulls().unique()
    bots = agents.filter(pl.Series([is_bot(agent) for agent in agents], dtype=pl.Boolean))
    fate = (
        pl.when(pl.col("occurred_at") < policy.now - timedelta(days=policy.raw_days)).then(pl.lit("expired"))
        .when(~is_commerce & (pl.col("is_robot").fill_null(False) | pl.col("user_agent").is_in(bots.implode())))
        .then(pl.lit("bot"))
        .when(~is_commerce & is_suppressed).then(pl.lit("suppressed"))
        .when(~is_commerce & ~has_consent).then(pl.lit("no_consent"))
        .when(~has_consent | is_suppressed | ~has_person).then(pl.lit("anonymised"))
        .otherwise(pl.lit("loaded"))
    )  # fmt: skip
    return plain.select(fate).to_series()


def _masked(kept: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    key = policy.key
    is_known = pl.col("fate") == "loaded"
    is_named = pl.col("order_id").is_not_null() | pl.col("event").is_in([EXPERIMENT_EVENT, *policy.conversions])
    campaigns = campaigns_of(kept)
    redacted, labels = redacted_campaigns(campaigns, key), kept.select("experiment", "variation")
    messages = kept.select(pseudonyms(key, "message", "message_id")).to_series()
    orders = replaced(kept["order_id"], lambda value: order_number(value, key))
    return kept.with_columns(
        pl.when(is_known).then(_cut(campaigns.hstack(labels))).alias("cut"),
        identities(messages, kept, orders).alias("message_id"),
        order_keys(key, kept["message_id"]).alias("message_order"),
        *[
            pl.when(is_known)
            .then(pl.coalesce(f"{name}_successor", _of_distinct(kept[name], pseudonyms(key, kind, name))))
            .alias(name)
            for kind, name in _PERSONS.items()
        ],
        *[pl.when(is_known).then(redacted[name]).alias(name) for name in CAMPAIGN],
        pl.when(is_named).then(pl.col("event")).alias("event"),
        *[pl.when(is_known).then(replaced(kept[name], redact)).alias(name) for name in ("experiment", "variation")],
        pl.when(is_known).then(replaced(kept["geography"], _place)).alias("geography"),
        pl.when(is_known).then(_of_distinct(kept["page_url"], _host("page_url"))).alias("page_host"),
        pl.when(is_known).then(_of_distinct(kept["page_referrer"], _host("page_referrer"))).alias("referrer_host"),
        orders,
        (~is_known).alias("is_anonymised"),
        pl.col("analytics_consent").is_not_null().alias("is_consent_stated"),
    ).select(*MASKED.names(), *_CUT)


def _cut(values: pl.DataFrame) -> pl.Series:
    """Of each row the names of the columns whose value is too long to be kept whole."""
    is_cut = [pl.when(pl.col(name).str.len_bytes() > LONGEST_BYTES).then(pl.lit(name)) for name in values.columns]
    return values.select(pl.concat_list(is_cut).list.drop_nulls()).to_series()


def refusals(plain: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Of the records that refuse analytics: by whom, the first and the last of each day; rows of :data:`REFUSALS`.

    `plain` has besides its columns the archive's ``number``, by which they are told apart. Where consent has to be
    stated there are none: without it nothing is kept anyway, of a refusal neither.
    """
    is_refused = (pl.col("analytics_consent") == False) & (  # noqa: E712
        pl.col("occurred_at") >= policy.now - timedelta(days=policy.raw_days)
    )
    refused = plain.filter(is_refused)
    if refused.is_empty() or not policy.is_consent_default:
        return REFUSALS.to_frame()
    screened = _screened(refused, policy)
    named = refused.with_columns(
        *[
            pl.coalesce(screened[name], _of_distinct(refused[name], pseudonyms(policy.key, kind, name))).alias(name)
            for kind, name in _PERSONS.items()
        ]
    ).filter(~screened["is_suppressed"], pl.any_horizontal(pl.col(name).is_not_null() for name in _PERSONS.values()))
    days = ["number", "anonymous_id", "user_id", pl.col("occurred_at").dt.date().alias("day")]
    moment = pl.col("occurred_at")
    first_and_last = named.group_by(days).agg(pl.concat_list(moment.min(), moment.max()).alias("refused_at"))
    return first_and_last.explode("refused_at").select(REFUSALS.names())


def order_number(order_id: str, key: Key) -> str:
    """An order's number, by which events tie to the ledger; as a pseudonym if it is shaped like an e-mail address.

    Shops write it with and without ``#``, in upper and in lower case, and with ``.0`` where it went through a float.
    One above 1 KiB, which no shop gives, is a pseudonym, too: to cut it could make two orders one.
    """
    number = order_id.strip().removeprefix("#").strip().lower() or order_id
    number = number.partition(".")[0] if _AS_FLOAT.fullmatch(number) else number
    return pseudonym(key, "order", number) if is_too_long(number) or is_email(number) else number


def _place(value: str) -> str:
    return redact(value)[:GEOGRAPHY_CHARACTERS]


def _host(column: str) -> pl.Expr:
    host = pl.col(column).str.extract(_HOST).str.to_lowercase()
    return pl.when((host.str.len_bytes() <= _HOST_CHARACTERS) & host.str.contains(_PLAIN_HOST)).then(host)


def _of_distinct(values: pl.Series, expression: pl.Expr) -> pl.Series:
    """`expression` of the column, worked out once for each distinct value."""
    distinct = values.drop_nulls().unique()
    results = distinct.to_frame().select(expression).to_series()
    return values.replace_strict(distinct, results, default=None, return_dtype=pl.String)
