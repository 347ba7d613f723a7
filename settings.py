"""The whole configuration, frozen, and the exceptions every room may raise.

Nothing here reads the environment at import: :func:`load_settings` and :func:`now` do, when called.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import yaml
from iso4217 import Currency
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

WAREHOUSE_FORMAT = 6
OWN_TRACKS = ("Order Completed", "Order Refunded", "Order Cancelled", "Experiment Viewed")


class RomiError(Exception):
    """Root of the errors that the warehouse raises on purpose; the message is one line for people."""

    exit_code = 1


class UsageError(RomiError):
    """Wrong usage or configuration: nothing was done, and only a person can mend it."""

    exit_code = 2


class TransientError(RomiError):
    """May pass by itself (a lock, I/O): worth a retry with backoff."""


class PermanentError(RomiError):
    """Will not pass by itself (bad data, a broken rule): nobody retries it."""


class UnknownValueError(UsageError):
    """A value outside a known set; the message lists the values that would have been right."""

    def __init__(self, what: str, value: object, known: list[str]) -> None:
        self.what, self.value, self.known = what, value, sorted(known)
        super().__init__(f"unknown {what} {value!r}; known: {', '.join(self.known)}")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, values: Any) -> Any:
        """In YAML a key with nothing under it is null."""
        return {} if values is None else values


class Region(_Section):
    """One shard: its time zone sets the accounting day."""

    timezone: str = "UTC"
    consent_default: Literal["granted", "denied"] = "denied"
    margin_rate: Decimal = Field(Decimal("0.5"), ge=0, le=1)
    replica: str | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no IANA time zone, such as Europe/Berlin") from error
        return name


class Topic(_Section):
    format: Literal["segment", "snowplow", "ga4"] = "segment"
    layout: Literal["kafka_connect", "rudderstack", "segment"] = "kafka_connect"


class Conversion(_Section):
    """A track that counts as a conversion, at a fixed value in the reporting currency."""

    value: Decimal = Field(ge=0, max_digits=18, decimal_places=2)
    lookback_days: int | None = Field(None, ge=1, le=365)  # without it, that of the attribution


class ChannelRule(_Section):
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


class Attribution(_Section):
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

    @property
    def longest_lookback_days(self) -> int:
        """Over all types of conversions."""
        return max([self.lookback_days, *(one.lookback_days or 0 for one in self.conversions.values())])

    @field_validator("conversions", "sources", mode="before")
    @classmethod
    def _nothing_is_none(cls, values: Any) -> Any:
        return {} if values is None else values

    @field_validator("sources")
    @classmethod
    def _as_looked_up(cls, sources: dict[str, Any]) -> dict[str, Any]:
        return {name.lower().removeprefix("www."): category for name, category in sources.items()}

    @field_validator("conversions")
    @classmethod
    def _are_tracks(cls, conversions: dict[str, Conversion]) -> dict[str, Conversion]:
        for name in conversions:
            if not name or name in OWN_TRACKS:
                raise ValueError(f"{name!r} cannot be one: it needs a name, and {', '.join(OWN_TRACKS)} count already")
        return conversions

    @field_validator("position_weights")
    @classmethod
    def _sums_to_one(cls, weights: tuple[Decimal, Decimal, Decimal]) -> tuple[Decimal, Decimal, Decimal]:
        if min(weights) < 0 or sum(weights) != 1 or weights[0] + weights[2] == 0:
            raise ValueError("three weights from 0 that sum to 1, not all in the middle")
        return weights


class Privacy(_Section):
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


class Retention(_Section):
    raw_days: int = Field(395, ge=1)
    touch_days: int = Field(760, ge=1)
    customer_days: int = Field(760, ge=1)
    dead_letter_days: int = Field(30, ge=1)
    ledger_days: int = Field(3650, ge=1)
    log_days: int = Field(30, ge=1)
    version_days: int = Field(35, ge=1)
    probe_days: int = Field(395, ge=1)
    backup_days: int = Field(35, ge=1)


class Slo(_Section):
    accuracy: Decimal = Field(Decimal("0.999"), gt=0, le=1)
    availability: Decimal = Field(Decimal("0.9999"), gt=0, le=1)
    ingest_latency_ms: int = Field(200, gt=0)
    event_match_rate: Decimal = Field(Decimal("0.98"), gt=0, le=1)
    freshness_hours: int = Field(26, gt=0)
    burn_minimum_volume: int = Field(50, ge=1)  # events in the long window, below which no burn rate is told


class Anomaly(_Section):
    """What of a measure is unusual: so many times its usual spread away from the median of the same weekdays."""

    direction: Literal["low", "high", "both"] = "both"
    warn: Decimal | None = Field(Decimal(5), gt=0)  # None: never
    block: Decimal | None = Field(None, gt=0)  # the day is withheld


class Anomalies(_Section):
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


class Backup(_Section):
    every_hours: int | None = Field(None, ge=1)  # without it, no backups by themselves
    to: Path | None = None  # default: <warehouse>.backups beside the warehouse


class Experiment(_Section):
    """A holdout: who or where was kept from a channel's advertising, and when."""

    channel: str = Field(min_length=1)
    campaign: str | None = None
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    assignment: Literal["events", "pseudonym", "geography"] = "events"
    id: str | None = None  # what the events call it, where that is not its key
    control: tuple[str, ...] = ()
    treated: tuple[str, ...] = ()  # without any, all others
    control_share: Decimal = Field(Decimal("0.1"), gt=0, lt=1, decimal_places=6)
    pre_days: int = Field(28, ge=7, le=365)
    regions: tuple[str, ...] | None = None
    confidence: Decimal = Field(Decimal("0.95"), ge=Decimal("0.5"), le=Decimal("0.999"), decimal_places=3)

    @model_validator(mode="after")
    def _fits_its_assignment(self) -> Experiment:
        if self.last < self.first:
            raise ValueError("'to' is a day before 'from'")
        is_drawn = self.assignment == "pseudonym"
        own = {"control", "treated", "id", "control_share", "pre_days"} & self.model_fields_set
        allowed = {"events": {"control", "treated", "id"}, "geography": {"control", "treated", "pre_days"},
                   "pseudonym": {"control_share"}}  # fmt: skip
        if misplaced := own - allowed[self.assignment]:
            known = ", ".join(sorted(allowed[self.assignment]))
            raise ValueError(f"{min(misplaced)!r} means nothing with assignment: {self.assignment}; it takes {known}")
        if not is_drawn and not self.control:
            what = "variations" if self.assignment == "events" else "geographies"
            raise ValueError(f"'control' names the {what} that were held out")
        if both := {one.lower() for one in self.control} & {one.lower() for one in self.treated}:
            raise ValueError(f"{min(both)!r} stands in both 'control' and 'treated'")
        return self


class Settings(_Section):
    """Everything that can be configured (``romi.yaml``); every key is optional."""

    landing: str = "./landing"
    warehouse: Path = Path("./warehouse")
    reporting_currency: str = "EUR"
    regions: dict[str, Region] | None = None
    topics: dict[str, Topic] = {}
    attribution: Attribution = Attribution()
    privacy: Privacy = Privacy()
    retention: Retention = Retention()
    slo: Slo = Slo()
    anomalies: Anomalies = Anomalies()
    backup: Backup = Backup()
    experiments: dict[str, Experiment] = {}

    @field_validator("topics", "experiments", mode="before")
    @classmethod
    def _none_of_them(cls, entries: Any) -> Any:
        return {} if entries is None else entries

    @field_validator("regions")
    @classmethod
    def _region_names(cls, regions: dict[str, Region] | None) -> dict[str, Region] | None:
        for name in regions or {}:
            if not is_region_name(name):
                raise ValueError(f"{name!r} is no region name: letters, digits, '-' and '_', and not 'fx'")
        return regions

    @model_validator(mode="after")
    def _two_decimals(self) -> Settings:
        codes = {currency.code: currency.exponent for currency in Currency}
        if codes.get(self.reporting_currency) != 2:
            raise ValueError("reporting_currency: a currency of ISO 4217 with two decimals, such as EUR")
        return self

    @model_validator(mode="after")
    def _experiments_have_known_regions(self) -> Settings:
        for name, experiment in self.experiments.items():
            for region in experiment.regions or ():
                if self.regions is not None and region not in self.regions:
                    known = ", ".join(sorted(self.regions))
                    raise ValueError(f"experiments.{name}.regions: unknown region {region!r}; known: {known}")
        return self

    def experiments_of(self, region: str) -> dict[str, Experiment]:
        """The experiments that are held in the region."""
        return {name: one for name, one in self.experiments.items() if one.regions is None or region in one.regions}

    def region(self, name: str) -> Region:
        """The region's configuration, or defaults where the configuration names no regions."""
        if self.regions is None:
            return Region()
        if name not in self.regions:
            raise UnknownValueError("region", name, list(self.regions))
        return self.regions[name]

    def topic(self, name: str) -> Topic:
        return self.topics.get(name, Topic())

    @property
    def regions_dir(self) -> Path:
        return self.warehouse / "regions"

    def region_file(self, region: str) -> Path:
        """The region's DuckDB file: raw and person-level data never leave it."""
        return self.regions_dir / f"{region}.duckdb"

    @property
    def staging_dir(self) -> Path:
        """Masked, transient files between parsing and commit; emptied at the start of every run."""
        return self.warehouse / "staging"

    @property
    def versions_dir(self) -> Path:
        return self.warehouse / "versions"

    @property
    def published(self) -> Path:
        """The stable link to the current version's folder."""
        return self.warehouse / "published"

    @property
    def dbt_dir(self) -> Path:
        return self.warehouse / "dbt"

    @property
    def dagster_home(self) -> Path:
        return self.warehouse / "dagster"

    def known_regions(self) -> list[str]:
        """Regions of the configuration, or else those that have a file in the warehouse."""
        if self.regions is not None:
            return sorted(self.regions)
        return sorted(path.stem for path in self.regions_dir.glob("*.duckdb"))


def is_region_name(name: str) -> bool:
    return name != "fx" and name.replace("-", "").replace("_", "").isalnum() and name[0].isalnum()


def now() -> datetime:
    """The clock, in UTC: ``ROMI_NOW`` (RFC 3339) where it is set, for tests and drills.

    Raises:
        UsageError: ``ROMI_NOW`` is no RFC 3339 date-time with an offset.
    """
    fixed = os.environ.get("ROMI_NOW")
    if not fixed:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(fixed.upper())
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"ROMI_NOW={fixed!r} is no RFC 3339 date-time, such as 2026-03-01T12:00:00Z") from error


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """Read ``romi.yaml`` and lay `overrides` (those that are not None) over it.

    Args:
        config: the file; without it ``./romi.yaml`` where that exists, else defaults.

    Raises:
        UsageError: the file is missing, no YAML, or has an unknown key or a wrong value.
    """
    path = config or Path("romi.yaml")
    if config is not None and not path.is_file():
        raise UsageError(f"no configuration file at {path}")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict | None):
        raise UsageError(f"{path} holds no mapping of keys")
    values = {**(values or {}), **{key: value for key, value in overrides.items() if value is not None}}
    try:
        return Settings(**values)
    except (ValidationError, TypeError) as error:
        raise UsageError(f"{path}: {_explain(error)}") from error


def _explain(error: ValidationError | TypeError) -> str:
    if not isinstance(error, ValidationError):
        return "keys must be words"
    errors = error.errors()
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {place!r}; known here: {', '.join(_known_keys(first['loc'][:-1]))}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _known_keys(loc: tuple[int | str, ...]) -> list[str]:
    """The keys of the section at `loc`, as the models have them."""
    kind: Any = Settings
    for part in loc:
        # A list or a mapping has one kind of entry; its own type comes first or last.
        kind = _kind_of(kind, str(part)) if _is_section(kind) else next(filter(_is_section, get_args(kind)))
    return [field.alias or name for name, field in kind.model_fields.items()]


def _kind_of(section: type[BaseModel], key: str) -> Any:
    """What stands under a key of the section; of what may be null as well, the rest."""
    kind = next(field.annotation for name, field in section.model_fields.items() if key in (name, field.alias))
    return get_args(kind)[0] if isinstance(kind, UnionType) else kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
