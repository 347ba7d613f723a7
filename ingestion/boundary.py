"""The boundary: from plain records in memory to rows without a person's data, each with its fate.

Only the columns of :data:`MASKED` pass. What is not listed there is never written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

import polars as pl
from crawlerdetect import CrawlerDetect

from ingestion.records import EXPERIMENT_EVENT
from privacy.keys import Key
from privacy.pseudonyms import Kind, order_keys, pseudonym, pseudonyms
from privacy.redaction import REDACTED, is_email, redact
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

_PERSONS: dict[Kind, str] = {"anonymous": "anonymous_id", "user": "user_id"}
_CAMPAIGN = ("campaign_source", "campaign_medium", "campaign_name", "campaign_id")
_UTM = {"campaign_source": "source", "campaign_medium": "medium", "campaign_name": "campaign", "campaign_id": "id"}
_ANY_UTM = r"[?&]utm_(?:source|medium|campaign|id|term|content)=[^&]"
_CLICK_IDS = {"google": "gclid|gbraid|wbraid|dclid", "bing": "msclkid"}
_HOST = r"^[A-Za-z][A-Za-z0-9+.\-]*://(?:[^/?#@\\]*@)?([^/?#:@]+)"
_PLAIN_HOST = r"^[a-z0-9.\-]+$"
GEOGRAPHY_CHARACTERS = 64
CAMPAIGN_DIGITS = 16


@dataclass(frozen=True)
class Policy:
    """What decides a record's fate in one region."""

    key: Key
    is_consent_default: bool
    raw_days: int
    now: datetime  # UTC, naive
    conversions: frozenset[str] = frozenset()  # tracks whose name is kept, since the configuration counts them
    suppression: Suppression | None = None  # None: nobody was ever erased


def mask(plain: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Decide the fate of each record (all but ``duplicate``, which the books know) and take the person out of it.

    Args:
        plain: rows of :data:`ingestion.records.PLAIN`.

    Returns:
        As many rows of :data:`MASKED`; one that is not kept has its offset and fate and nothing else.
    """
    if plain.is_empty():
        return MASKED.to_frame()
    screened = _screened(plain, policy)
    decided = plain.with_columns(_fate(plain, policy, screened["is_suppressed"]).alias("fate"), *_successors(screened))
    kept = decided.filter(pl.col("fate").is_in(["loaded", "anonymised"]))
    dropped = decided.filter(~pl.col("fate").is_in(["loaded", "anonymised"])).select("record_offset", "fate")
    masked = _masked(kept, policy) if len(kept) else MASKED.to_frame()
    return pl.concat([masked, dropped], how="diagonal").select(MASKED.names())


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
    agents = plain["user_agent"].drop_nulls().unique()
    bots = agents.filter(pl.Series([_is_bot(agent) for agent in agents], dtype=pl.Boolean))
    fate = (
        pl.when(pl.col("occurred_at") < policy.now - timedelta(days=policy.raw_days)).then(pl.lit("expired"))
        .when(~is_commerce & pl.col("user_agent").is_in(bots.implode())).then(pl.lit("bot"))
        .when(~is_commerce & is_suppressed).then(pl.lit("suppressed"))
        .when(~is_commerce & ~has_consent).then(pl.lit("no_consent"))
        .when(~has_consent | is_suppressed).then(pl.lit("anonymised"))
        .otherwise(pl.lit("loaded"))
    )  # fmt: skip
    return plain.select(fate).to_series()


@lru_cache(maxsize=50_000)
def _is_bot(user_agent: str) -> bool:
    return _detector().is_crawler(user_agent)


@lru_cache(maxsize=1)
def _detector() -> CrawlerDetect:
    return CrawlerDetect()


def _masked(kept: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    key = policy.key
    is_known = pl.col("fate") == "loaded"
    is_named = pl.col("order_id").is_not_null() | pl.col("event").is_in([EXPERIMENT_EVENT, *policy.conversions])
    campaigns = _campaigns(kept, key)
    return kept.with_columns(
        pseudonyms(key, "message", "message_id").alias("message_id"),
        order_keys(key, kept["message_id"]).alias("message_order"),
        *[
            pl.when(is_known)
            .then(pl.coalesce(f"{name}_successor", _of_distinct(kept[name], pseudonyms(key, kind, name))))
            .alias(name)
            for kind, name in _PERSONS.items()
        ],
        *[pl.when(is_known).then(campaigns[name]).alias(name) for name in _CAMPAIGN],
        pl.when(is_named).then(pl.col("event")).alias("event"),
        *[pl.when(is_known).then(_replaced(kept[name], redact)).alias(name) for name in ("experiment", "variation")],
        pl.when(is_known).then(_replaced(kept["geography"], _place)).alias("geography"),
        pl.when(is_known).then(_of_distinct(kept["page_url"], _host("page_url"))).alias("page_host"),
        pl.when(is_known).then(_of_distinct(kept["page_referrer"], _host("page_referrer"))).alias("referrer_host"),
        _replaced(kept["order_id"], lambda value: order_number(value, key)),
        (~is_known).alias("is_anonymised"),
        pl.col("analytics_consent").is_not_null().alias("is_consent_stated"),
    ).select(MASKED.names())


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
    ).filter(~screened["is_suppressed"])
    days = ["number", "anonymous_id", "user_id", pl.col("occurred_at").dt.date().alias("day")]
    moment = pl.col("occurred_at")
    first_and_last = named.group_by(days).agg(pl.concat_list(moment.min(), moment.max()).alias("refused_at"))
    return first_and_last.explode("refused_at").select(REFUSALS.names())


def order_number(order_id: str, key: Key) -> str:
    """An order's number as it is, since it ties to the ledger; one shaped like an e-mail address as a pseudonym."""
    return pseudonym(key, "order", order_id) if is_email(order_id) else order_id


def campaign_number(campaign_id: str, key: Key) -> str:
    """A campaign's id as it is, since it ties touches to cost; one shaped like a person's data as a pseudonym.

    Many platforms' ids are: a UUID is shaped like a token, zeros before digits like a phone, some digits like a card.
    """
    if redact(campaign_id) != REDACTED:
        return campaign_id
    return f"{REDACTED[:-1]} {pseudonym(key, 'campaign', campaign_id)[:CAMPAIGN_DIGITS]})"


def _place(value: str) -> str:
    return redact(value)[:GEOGRAPHY_CHARACTERS]


def _host(column: str) -> pl.Expr:
    host = pl.col(column).str.extract(_HOST).str.to_lowercase()
    return pl.when(host.str.contains(_PLAIN_HOST)).then(host)


def _campaigns(kept: pl.DataFrame, key: Key) -> pl.DataFrame:
    """The campaign of each row: the record's own, else the URL's utm parameters, else its paid click id."""
    has_own = pl.any_horizontal(pl.col(name).is_not_null() for name in _CAMPAIGN)
    url = pl.col("page_url").str.replace("(?s)#.*", "")
    urls = (
        kept.select("page_url")
        .unique()
        .select(
            "page_url",
            *[url.str.extract(rf"[?&]utm_{tag}=([^&]+)").alias(f"utm_{name}") for name, tag in _UTM.items()],
            *[
                (url.str.contains(rf"[?&](?:{ids})=[^&]") & ~url.str.contains(_ANY_UTM)).alias(source)
                for source, ids in _CLICK_IDS.items()
            ],
        )
    )
    tagged = kept.select(*_CAMPAIGN, pl.when(~has_own).then(pl.col("page_url")).alias("page_url")).join(
        urls, on="page_url", how="left", maintain_order="left"
    )
    chosen = tagged.select(
        *[pl.coalesce(name, _replaced(tagged[f"utm_{name}"], _decode)).alias(name) for name in _CAMPAIGN], *_CLICK_IDS
    )
    clicked = pl.coalesce(pl.when(pl.col(source)).then(pl.lit(source)) for source in _CLICK_IDS)
    complete = chosen.with_columns(
        pl.coalesce("campaign_source", clicked).alias("campaign_source"),
        pl.coalesce("campaign_medium", pl.when(clicked.is_not_null()).then(pl.lit("cpc"))).alias("campaign_medium"),
    )
    ids = _replaced(complete["campaign_id"], lambda value: campaign_number(value, key))
    return complete.select(*[_replaced(complete[name], redact) for name in _CAMPAIGN[:-1]], ids)


def _decode(value: str) -> str | None:
    as_written = unquote(value).strip()
    # A '+' is a blank in a query, except where somebody forgot to encode that of a phone number.
    is_phone = as_written.startswith("+") and redact(as_written) == REDACTED
    return as_written if is_phone else unquote_plus(value).strip() or None


def _of_distinct(values: pl.Series, expression: pl.Expr) -> pl.Series:
    """`expression` of the column, worked out once for each distinct value."""
    distinct = values.drop_nulls().unique()
    results = distinct.to_frame().select(expression).to_series()
    return values.replace_strict(distinct, results, default=None, return_dtype=pl.String)


def _replaced(values: pl.Series, function: Callable[[str], str | None]) -> pl.Series:
    """`function` of each value, called once for each distinct one."""
    distinct = values.drop_nulls().unique()
    results = pl.Series([function(value) for value in distinct], dtype=pl.String)
    return values.replace_strict(distinct, results, default=None, return_dtype=pl.String).alias(values.name)
