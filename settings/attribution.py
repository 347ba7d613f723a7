"""The rules of attribution that a shop can set."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from settings.section import Section

OWN_TRACKS = ("Order Completed", "Order Refunded", "Order Cancelled", "Experiment Viewed")
# The first three as libraries and tag managers write them: `order_completed`, `OrderCompleted`, `Order Canceled`.
COMMERCE_SPELLINGS = r"(?i)[\s_-]*order[\s_-]*(completed|refunded|cancell?ed)[\s_-]*"
# What else a shop may call an order or a refund: a track of that name is none, and the run says so.
COMMERCE_LOOKALIKES = (
    r"(?i)[\s_-]*((order|purchase|transaction)[\s_-]*(completed?|placed|paid|confirmed|success(ful)?|made|refund(ed)?)?"
    r"|(completed|placed|confirmed)[\s_-]*(order|purchase)|purchased|((full|partial)[\s_-]*)?refund(ed)?"
    r"|checkout[\s_-]*completed?)[\s_-]*"
)


class Conversion(Section):
    """A track that counts as a conversion, at a fixed value in the reporting currency."""

    value: Decimal = Field(ge=0, max_digits=18, decimal_places=2)
    lookback_days: int | None = Field(None, ge=1, le=365)  # without it, that of the attribution


class ChannelRule(Section):
    """A rule of the shop's own, before GA4's: all patterns given must match from start to end, ignoring case."""

    channel: str = Field(min_length=1, max_length=60)
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None

    @field_validator("channel")
    @classmethod
    def _no_brackets(cls, channel: str) -> str:
        if channel.startswith("("):
            raise ValueError("a channel of your own has no name in brackets")
        return channel

    @field_validator("source", "medium", "campaign")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        import duckdb  # its patterns are those that match in the end

        try:
            duckdb.execute("select regexp_full_match('', ?, 'i')", [pattern])
        except duckdb.Error as error:
            raise ValueError(f"{pattern!r} is no regular expression (RE2)") from error
        return pattern

    @model_validator(mode="after")
    def _asks_something(self) -> ChannelRule:
        if self.source is self.medium is self.campaign is None:
            raise ValueError("one of source, medium and campaign")
        return self


class Attribution(Section):
    lookback_days: int = Field(30, ge=1, le=365)
    session_timeout_minutes: int = Field(30, ge=1, le=1440)
    time_decay_half_life_days: Decimal = Field(Decimal(7), gt=0)
    position_weights: tuple[Decimal, Decimal, Decimal] = (Decimal("0.4"), Decimal("0.2"), Decimal("0.4"))
    lapsed_after_days: int = Field(365, ge=1)
    internal_domains: tuple[str, ...] = ()
    payment_domains: tuple[str, ...] = ("paypal.com", "klarna.com")
    conversions: dict[str, Conversion] = {}
    channel_rules: tuple[ChannelRule, ...] = ()
    sources: dict[str, Literal["search", "social", "video", "shopping", "ai_assistant", "email"]] = {}
    platforms: dict[str, str] = {}  # by source: the folder of cost that it names

    @property
    def longest_lookback_days(self) -> int:
        """Over all types of conversions."""
        return max([self.lookback_days, *(one.lookback_days or 0 for one in self.conversions.values())])

    @field_validator("conversions", "sources", "platforms", mode="before")
    @classmethod
    def _nothing_is_none(cls, values: Any) -> Any:
        return {} if values is None else values

    @field_validator("sources", "platforms")
    @classmethod
    def _as_looked_up(cls, sources: dict[str, Any]) -> dict[str, Any]:
        return {name.lower().removeprefix("www."): category for name, category in sources.items()}

    @field_validator("conversions")
    @classmethod
    def _are_tracks(cls, conversions: dict[str, Conversion]) -> dict[str, Conversion]:
        for name in conversions:
            if not name or name in OWN_TRACKS or re.fullmatch(COMMERCE_SPELLINGS, name, re.ASCII):
                raise ValueError(f"{name!r} cannot be one: it needs a name, and {', '.join(OWN_TRACKS)} count already")
        return conversions

    @field_validator("position_weights")
    @classmethod
    def _sums_to_one(cls, weights: tuple[Decimal, Decimal, Decimal]) -> tuple[Decimal, Decimal, Decimal]:
        if min(weights) < 0 or sum(weights) != 1 or weights[0] + weights[2] == 0:
            raise ValueError("three weights from 0 that sum to 1, not all in the middle")
        return weights
