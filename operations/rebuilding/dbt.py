"""dbt in this process: one parse for all regions, then a build for each region and window of days."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

from ingestion.books import region_file
from operations.rebuilding.finality import closed_through, frozen_through, kept_through, sessions_through
from operations.rebuilding.plan import DBT_PROJECT
from settings import Experiment, PermanentError, Settings

Event = dict[str, Any]
_PARSED = ("LogModelResult", "LogSeedResult", "LogTestResult")


class ModelError(PermanentError):
    """dbt could not build: the models named in `failed`, in `region`. It quotes no value of the data."""

    def __init__(self, region: str, failed: list[str]) -> None:
        self.region, self.failed = region, failed
        super().__init__(f"{region}: dbt could not build {', '.join(failed) or 'the project'}")


@dataclass
class Built:
    """What a build did."""

    models: list[str] = field(default_factory=list)
    failed_tests: list[str] = field(default_factory=list)


@cache
def project() -> Any:
    """The project as dbt's ``Manifest``, parsed once a process without a database."""
    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke(["parse", *_places(DBT_PROJECT / "target")])
    if not result.success:
        raise PermanentError(f"dbt cannot parse {DBT_PROJECT}: {result.exception}")
    return result.result


@cache
def manifest() -> dict[str, Any]:
    """The project as the dictionary that ``manifest.json`` holds."""
    return project().writable_manifest().to_dict(omit_none=False)


def variables(settings: Settings, region: str, first: date, last: date) -> dict[str, Any]:
    """What a build is told; decimals as text, so that they stay exact."""
    with region_file(settings, region, read_only=True) as con:
        reached = {
            "frozen_through": frozen_through(con),
            "kept_through": kept_through(con),
            "sessions_through": sessions_through(con),
            "closed_through": closed_through(con),
        }
        touched = "select min(touched_from), max(touched_to) from ops.pending_days where day between ? and ?"
        reached["touched_from"], reached["touched_to"] = con.execute(touched, [first, last]).fetchall()[0]
    rules = settings.attribution
    return {
        "region": region,
        "timezone": settings.region(region).timezone,
        "from_date": first.isoformat(),
        "to_date": last.isoformat(),
        "reporting_currency": settings.reporting_currency,
        "lookback_days": rules.lookback_days,
        "longest_lookback_days": rules.longest_lookback_days,
        "conversions": [
            {"event": event, "cents": int(one.value * 100), "lookback_days": one.lookback_days or rules.lookback_days}
            for event, one in sorted(rules.conversions.items())
        ],
        "channel_rules": [rule.model_dump() for rule in rules.channel_rules],
        "sources": [{"source": name, "category": category} for name, category in sorted(rules.sources.items())],
        "session_timeout_minutes": rules.session_timeout_minutes,
        "time_decay_half_life_days": str(rules.time_decay_half_life_days),
        "lapsed_after_days": rules.lapsed_after_days,
        **{name: day.isoformat() if day else "" for name, day in reached.items()},
        "position_weights": [str(weight) for weight in rules.position_weights],
        "internal_domains": list(rules.internal_domains),
        "payment_domains": list(rules.payment_domains),
        "k_anonymity": settings.privacy.k_anonymity,
        "margin_rate": str(settings.region(region).margin_rate),
        "release_model": settings.privacy.release_model,
        "experiments": experiment_variables(settings.experiments_of(region)),
    }


def experiment_variables(experiments: dict[str, Experiment]) -> list[dict[str, Any]]:
    """The experiments of a region as dbt is told them; names that are compared without case are in lower case."""
    return [
        {
            "name": name,
            "id": (one.id or name).lower(),
            "channel": one.channel,
            "campaign": one.campaign,
            "assignment": one.assignment,
            "from_date": one.first.isoformat(),
            "to_date": one.last.isoformat(),
            "pre_from_date": (one.first - timedelta(days=one.pre_days)).isoformat(),
            "control": [value.lower() for value in one.control],
            "treated": [value.lower() for value in one.treated],
            "control_millionths": int(one.control_share * 1_000_000),
            "confidence": str(one.confidence),
            # The engine has no normal quantile.
            "quantile": repr(NormalDist().inv_cdf(float((1 + one.confidence) / 2))),
        }
        for name, one in sorted(experiments.items())
    ]


def build(
    settings: Settings,
    region: str,
    first: date,
    last: date,
    chosen: list[str] | None = None,
    on_event: Callable[[Event], None] = lambda _: None,
) -> Built:
    """Rebuild a region's models for the days `first` to `last`, and run their tests.

    A test that fails holds back no model: whoever settles the days withholds them, and has the tables to judge by.

    Args:
        chosen: names of models, if not all.
        on_event: called with dbt's structured result events as they come.

    Raises:
        ModelError: a model failed, and what depends on it was not built; or a test could not be run.
    """
    from dbt.cli.main import dbtRunner

    command = ["build", *_places(settings.dbt_dir), "--exclude-resource-type", "unit_test",
               "--vars", json.dumps(variables(settings, region, first, last))]  # fmt: skip
    fresh = project().deepcopy()  # a build leaves its marks on the manifest it is given
    hearing = _Hearing(_made_warnings(fresh), on_event)
    # What dbt keeps in its own database is there only as long as the build.
    command += ["--select", *chosen, "config.database:memory"] if chosen else []
    with _region_file(settings.region_file(region)):
        gc.freeze()  # dbt's objects live as long as the build: to go through all of them takes 0.2 s each time
        try:
            result = dbtRunner(manifest=fresh, callbacks=[hearing.hear]).invoke(command)
        finally:
            gc.unfreeze()
            _release()
    if hearing.failed or not result.success:
        raise ModelError(region, hearing.failed)
    return hearing.built


def _made_warnings(manifest: Any) -> set[str]:
    """Have the manifest's tests warn, as dbt skips all that is below a test that fails; returns those that did not."""
    tests = {name: node for name, node in manifest.nodes.items() if node.resource_type == "test"}
    failing = {name for name, node in tests.items() if node.config.severity.upper() == "ERROR"}
    for name in failing:
        tests[name].config.severity = "warn"
    return failing


@dataclass
class _Hearing:
    """What dbt says of its nodes as it builds them."""

    failing: set[str]  # tests whose warnings are failures
    on_event: Callable[[Event], None]
    built: Built = field(default_factory=Built)
    failed: list[str] = field(default_factory=list)

    def hear(self, message: Any) -> None:
        from google.protobuf.json_format import MessageToDict

        if message.info.name not in _PARSED:
            return
        event = MessageToDict(message, preserving_proto_field_name=True)
        node, status = event["data"]["node_info"], event["data"]["status"]
        name = node["unique_id"].split(".")[2]
        if status == "error":
            self.failed.append(name)
        elif message.info.name != "LogTestResult":
            self.built.models.append(name)
        elif status == "warn" and node["unique_id"] in self.failing:
            self.built.failed_tests.append(name)
            event["data"]["status"] = node["node_status"] = "fail"
        self.on_event(event)


def _places(target: Path) -> list[str]:
    return [
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(target.absolute()),
        "--log-path", str(target.absolute()), "--log-level", "none", "--log-level-file", "none", "--quiet",
        "--no-write-json", "--no-send-anonymous-usage-stats",
    ]  # fmt: skip


def _release() -> None:
    """dbt-duckdb keeps the last database open in its class, and with it the region's file."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
    DuckDBConnectionManager.close_all_connections()


@contextmanager
def _region_file(path: Path) -> Iterator[None]:
    """dbt's plugin takes the file to attach from the environment."""
    os.environ["ROMI_REGION_FILE"] = str(path.absolute())
    try:
        yield
    finally:
        del os.environ["ROMI_REGION_FILE"]
