"""The whole configuration (``romi.yaml``), frozen, and the folders that follow from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from iso4217 import Currency
from pydantic import field_validator, model_validator

from settings.attribution import Attribution
from settings.engine import Spark, check_pattern
from settings.errors import UnknownValueError
from settings.experiments import Experiment
from settings.features import DEFAULT, RESPONSES, State, read_features
from settings.incidents import Incidents
from settings.section import Section
from settings.sections import (
    Anomalies,
    Backup,
    Close,
    Consent,
    Monitoring,
    Privacy,
    Publish,
    Region,
    Retention,
    Slo,
    Topic,
)
from settings.sources import Fx, Source, check_sources

# Where things are, and what becomes of a version once it is there: no figure depends on any of it.
OUTWARD = frozenset(
    {"landing", "warehouse", "backup", "publish", "close", "incidents", "monitoring", "engine", "spark"}
)


class Settings(Section):
    """Everything that can be configured (``romi.yaml``); every key is optional."""

    landing: str = "./landing"
    warehouse: Path = Path("./warehouse")
    engine: Literal["duckdb", "spark"] = "duckdb"  # what builds the models
    spark: Spark = Spark()
    reporting_currency: str = "EUR"
    regions: dict[str, Region] | None = None
    topics: dict[str, Topic] = {}
    sources: dict[str, Source] = {}
    fx: Fx = Fx()
    consent: Consent = Consent()
    attribution: Attribution = Attribution()
    privacy: Privacy = Privacy()
    retention: Retention = Retention()
    slo: Slo = Slo()
    anomalies: Anomalies = Anomalies()
    backup: Backup = Backup()
    publish: Publish = Publish()
    incidents: Incidents = Incidents()
    close: Close = Close()
    features: dict[str, dict[str, State]] = {}
    monitoring: Monitoring = Monitoring()
    experiments: dict[str, Experiment] = {}

    @field_validator("topics", "sources", "experiments", mode="before")
    @classmethod
    def _none_of_them(cls, entries: Any) -> Any:
        return {} if entries is None else entries

    @field_validator("features", mode="before")
    @classmethod
    def _features(cls, values: Any) -> Any:
        return read_features(values)

    @field_validator("sources")
    @classmethod
    def _source_names(cls, sources: dict[str, Source]) -> dict[str, Source]:
        check_sources(sources)
        return sources

    @field_validator("regions")
    @classmethod
    def _region_names(cls, regions: dict[str, Region] | None) -> dict[str, Region] | None:
        for name in regions or {}:
            if not is_region_name(name):
                raise ValueError(f"{name!r} is not a region name: letters, digits, '-' and '_', and not 'fx'")
        return regions

    @model_validator(mode="after")
    def _two_decimals(self) -> Settings:
        codes = {currency.code: currency.exponent for currency in Currency}
        if codes.get(self.reporting_currency) != 2:
            raise ValueError("reporting_currency: a currency of ISO 4217 with two decimals, such as EUR")
        return self

    @model_validator(mode="after")
    def _patterns_are_the_same_on_spark(self) -> Settings:
        for rule in self.attribution.channel_rules if self.engine == "spark" else ():
            for pattern in filter(None, (rule.source, rule.medium, rule.campaign)):
                check_pattern(pattern)
        return self

    @model_validator(mode="after")
    def _experiments_have_known_regions(self) -> Settings:
        for name, experiment in self.experiments.items():
            for region in experiment.regions or ():
                if self.regions is not None and region not in self.regions:
                    known = ", ".join(sorted(self.regions))
                    raise ValueError(f"experiments.{name}.regions: unknown region {region!r}; known: {known}")
        return self

    @model_validator(mode="after")
    def _features_have_known_regions(self) -> Settings:
        for name, states in self.features.items():
            for region in states:
                if region != DEFAULT and self.regions is not None and region not in self.regions:
                    known = ", ".join(sorted([*self.regions, DEFAULT]))
                    raise ValueError(f"features.{name}: unknown region {region!r}; known: {known}")
        return self

    def feature(self, name: str, region: str) -> State:
        """Whether a feature is on, off or shadow in the region; an automatic response is off unless it is asked for."""
        states = self.features.get(name, {})
        by_itself = name in self.incidents.automatic if name in RESPONSES else True
        return states.get(region, states.get(DEFAULT, "on" if by_itself else "off"))

    def reads_topic(self, name: str, region: str) -> bool:
        """Whether the source format of a topic is on in the region."""
        return self.feature(self.topic(name).format, region) == "on"

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

    def source(self, name: str) -> Source:
        """How the files of ``ledger`` or ``spend/<platform>`` are read."""
        return self.sources.get(name, Source())

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
