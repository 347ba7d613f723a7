"""The sections of ``romi.yaml`` that are a few values each."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from iso4217 import Currency
from pydantic import Field, TypeAdapter, field_validator, model_validator

from settings.section import Section


class Region(Section):
    """One shard: its time zone sets the accounting day."""

    timezone: str = "UTC"
    consent_default: Literal["granted", "denied"] = "denied"
    margin_rate: Decimal = Field(Decimal("0.5"), ge=0, le=1)
    replica: str | None = None
    currency: str | None = None  # of an order event that names none

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str | None) -> str | None:
        known = {currency.code for currency in Currency}
        if code is not None and code.strip().upper() not in known:
            raise ValueError(f"{code!r} is not a currency of ISO 4217, such as EUR")
        return code and code.strip().upper()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no IANA time zone, such as Europe/Berlin") from error
        return name


class Topic(Section):
    format: Literal["segment", "snowplow", "ga4"] = "segment"
    layout: Literal["kafka_connect", "rudderstack", "segment"] = "kafka_connect"
    # sparse: the topic is transactional or compacted, so that an offset without a record is no loss.
    offsets: Literal["contiguous", "sparse"] = "contiguous"


class Consent(Section):
    """The names that categories of consent go by in events, whatever their case."""

    analytics: tuple[str, ...] = ("Analytics", "C0002", "performance", "statistics", "analytics_storage")
    advertising: tuple[str, ...] = ("Advertising", "C0004", "targeting", "marketing", "ad_storage")

    @field_validator("analytics", "advertising", mode="before")
    @classmethod
    def _are_names(cls, names: Any) -> Any:
        listed = [names] if isinstance(names, str) else names
        if not isinstance(listed, list | tuple) or not listed or not all(str(one or "").strip() for one in listed):
            raise ValueError("a list of names of categories, such as [Analytics, C0002]")
        return tuple(str(one).strip() for one in listed)

    @model_validator(mode="after")
    def _are_told_apart(self) -> Consent:
        both = {one.casefold() for one in self.analytics} & {one.casefold() for one in self.advertising}
        if both:
            raise ValueError(f"{min(both)!r} stands in both 'analytics' and 'advertising'")
        return self


class Privacy(Section):
    k_anonymity: int = Field(10, ge=1)
    encryption_at_rest: bool | None = None  # None: where DuckDB can write it
    legal_clock: dict[str, Literal["gdpr", "ccpa"]] = {}  # by region; gdpr where it is not named
    release_model: Literal["first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay"] = (
        "linear"
    )
    epsilon_per_month: Decimal = Field(Decimal(1), gt=0)
    epsilon_reserve_per_month: Decimal = Field(Decimal("0.25"), ge=0)
    contribution_cap: Decimal = Field(Decimal(600), gt=0)
    conversion_cap: int = Field(3, ge=1)


class Retention(Section):
    raw_days: int = Field(395, ge=1)
    touch_days: int = Field(760, ge=1)
    customer_days: int = Field(760, ge=1)
    dead_letter_days: int = Field(30, ge=1)
    ledger_days: int = Field(3650, ge=1)
    log_days: int = Field(30, ge=1)
    version_days: int = Field(35, ge=1)
    probe_days: int = Field(395, ge=1)
    backup_days: int = Field(35, ge=1)


class Slo(Section):
    accuracy: Decimal = Field(Decimal("0.999"), gt=0, le=1)
    availability: Decimal = Field(Decimal("0.9999"), gt=0, le=1)
    ingest_latency_ms: int = Field(200, gt=0)
    event_match_rate: Decimal = Field(Decimal("0.98"), gt=0, le=1)
    event_only_share: Decimal = Field(Decimal("0.02"), ge=0, le=1)  # of orders or of revenue, whichever is more
    freshness_hours: int = Field(26, gt=0)
    burn_minimum_volume: int = Field(50, ge=1)  # events in the long window, below which no burn rate is told


class Anomaly(Section):
    """What of a measure is unusual: so many times its usual spread away from the median of the same weekdays."""

    direction: Literal["low", "high", "both"] = "both"
    warn: Decimal | None = Field(Decimal(5), gt=0)  # None: never
    block: Decimal | None = Field(None, gt=0)  # the day is withheld


class Anomalies(Section):
    """Each day against the shop's own baseline, the same weekday of the weeks before."""

    weeks: int = Field(8, ge=2, le=52)
    minimum_weeks: int = Field(4, ge=2)
    minimum_volume: int = Field(30, ge=1)  # of what a measure counts, below which it is not judged
    volume_by_topic: Anomaly = Anomaly()
    volume_by_type: Anomaly = Anomaly()
    conversion_rate: Anomaly = Anomaly()
    consent_rate: Anomaly = Anomaly()
    bot_share: Anomaly = Anomaly(direction="high")
    campaign_match_rate: Anomaly = Anomaly(direction="low")
    unattributed_share: Anomaly = Anomaly(direction="high")

    @model_validator(mode="after")
    def _has_weeks_enough(self) -> Anomalies:
        if self.minimum_weeks > self.weeks:
            raise ValueError("minimum_weeks: no more than weeks")
        return self


class Close(Section):
    """How much may be open of a month, in a region, that is closed all the same."""

    unreconciled_orders: int = Field(0, ge=0)  # of ledger or warehouse alone, or of another amount
    refused_files: int = Field(0, ge=0)
    refused_rows: int = Field(0, ge=0)  # of ledger and spend


class OpenLineage(Section):
    """Where OpenLineage events go: to a file, a line each, or to an endpoint."""

    file: Path | None = None
    url: str | None = Field(None, pattern=r"^https?://[^/?#@]+/?$")  # no keys, which the environment holds
    namespace: str = Field("romi", min_length=1)  # of jobs and tables

    @model_validator(mode="after")
    def _goes_to_one_place(self) -> OpenLineage:
        if (self.file is None) == (self.url is None):
            raise ValueError("either file or url, such as {url: 'http://marquez:5000'}")
        return self


class Monitoring(Section):
    """What is seen from outside."""

    textfile: Path | None = None  # of metrics for Prometheus; default <warehouse>/status/romi.prom
    logs: Literal["text", "json"] = "text"  # json: one object a line on standard error
    openlineage: OpenLineage | None = None


# s3://bucket/prefix, with options as `landing` has them; no keys, which the environment holds.
Bucket = Annotated[str, Field(pattern=r"^s3://[^/?@]+(/[^?@]*)?(\?.*)?$")]


class Backup(Section):
    every_hours: int | None = Field(None, ge=1)  # without it, no backups by themselves
    to: Bucket | Path | None = None  # default: <warehouse>.backups beside the warehouse

    @field_validator("to", mode="before")
    @classmethod
    def _bucket_is_no_folder(cls, to: Any) -> Any:
        return TypeAdapter(Bucket).validate_python(to) if str(to).startswith("s3:") else to


class Postgres(Section):
    """A PostgreSQL that shows what is published."""

    # The name of a variable: what it holds has a password in it, which no configuration should.
    environment: str = Field("ROMI_POSTGRES", pattern="^[A-Za-z_][A-Za-z0-9_]*$")


class Publish(Section):
    """Where published versions go besides their files."""

    postgres: Postgres | None = None  # `postgres: {}` is one with its defaults
    bucket: Bucket | None = None
