"""The campaign that a record names, itself or in its page's URL, as it may be kept."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote, unquote_plus

import polars as pl

from privacy.keys import Key
from privacy.pseudonyms import pseudonym
from privacy.redaction import LONGEST_BYTES, REDACTED, redact

CAMPAIGN = ("campaign_source", "campaign_medium", "campaign_name", "campaign_id")
_UTM = {"campaign_source": "source", "campaign_medium": "medium", "campaign_name": "campaign", "campaign_id": "id"}
_ANY_UTM = r"[?&]utm_(?:source|medium|campaign|id|term|content)=[^&]"
_CLICK_IDS = {"google": "gclid|gbraid|wbraid|dclid", "bing": "msclkid"}
_ENCODED = 3 * 4 * LONGEST_BYTES  # characters of a URL's parameter at most: of what is looked at each may be %xx
CAMPAIGN_DIGITS = 16


def campaigns_of(kept: pl.DataFrame) -> pl.DataFrame:
    """The campaign of each row: the record's own, else the URL's utm parameters, else its paid click id."""
    blank = [pl.col(name).str.strip_chars().replace("", None) for name in CAMPAIGN]
    kept = kept.select("page_url", *blank)
    has_own = pl.any_horizontal(pl.col(name).is_not_null() for name in CAMPAIGN)
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
    tagged = kept.select(*CAMPAIGN, pl.when(~has_own).then(pl.col("page_url")).alias("page_url")).join(
        urls, on="page_url", how="left", maintain_order="left"
    )
    chosen = tagged.select(
        *[pl.coalesce(name, replaced(tagged[f"utm_{name}"], _decode)).alias(name) for name in CAMPAIGN], *_CLICK_IDS
    )
    clicked = pl.coalesce(pl.when(pl.col(source)).then(pl.lit(source)) for source in _CLICK_IDS)
    return chosen.select(
        pl.coalesce("campaign_source", clicked).alias("campaign_source"),
        pl.coalesce("campaign_medium", pl.when(clicked.is_not_null()).then(pl.lit("cpc"))).alias("campaign_medium"),
        "campaign_name",
        "campaign_id",
    )


def redacted_campaigns(campaigns: pl.DataFrame, key: Key) -> pl.DataFrame:
    ids = replaced(campaigns["campaign_id"], lambda value: campaign_number(value, key))
    return campaigns.select(*[replaced(campaigns[name], redact) for name in CAMPAIGN[:-1]], ids)


def _decode(value: str) -> str | None:
    value = value[:_ENCODED]
    as_written = unquote(value).strip()
    # A '+' is a blank in a query, except where somebody forgot to encode that of a phone number.
    is_phone = as_written.startswith("+") and redact(as_written) == REDACTED
    return as_written if is_phone else unquote_plus(value).strip() or None


def campaign_number(campaign_id: str, key: Key) -> str:
    """A campaign's id as it is, since it ties touches to cost; one shaped like a person's data as a pseudonym.

    Many platforms' ids are: a UUID is shaped like a token, zeros before digits like a phone, some digits like a card.
    """
    if (shown := redact(campaign_id)) != REDACTED:
        return shown
    return f"{REDACTED[:-1]} {pseudonym(key, 'campaign', campaign_id)[:CAMPAIGN_DIGITS]})"


def replaced(values: pl.Series, function: Callable[[str], str | None]) -> pl.Series:
    """`function` of each value, called once for each distinct one."""
    distinct = values.drop_nulls().unique()
    results = pl.Series([function(value) for value in distinct], dtype=pl.String)
    return values.replace_strict(distinct, results, default=None, return_dtype=pl.String).alias(values.name)
