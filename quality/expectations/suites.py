"""The examination: each frame against its suite, and what came of it without any value of the data."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before the import: nothing calls home

import great_expectations as gx
import great_expectations.expectations as standard
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.metadata_types import FailureSeverity

from quality.expectations.catalogue import RULES, Rule
from quality.expectations.frames import FRAMES, opened
from quality.expectations.own import OWN

_COUNTS = ("element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent",
           "unexpected_percent_total", "unexpected_percent_nonmissing")  # fmt: skip


@dataclass
class Finding:
    """What a rule came to on a version: `places` are the regions and periods (ISO dates) with rows that broke it."""

    rule: str
    suite: str
    is_blocking: bool
    rows: int
    unexpected: int = 0
    places: list[tuple[str, str]] = field(default_factory=list)
    error: str | None = None  # of ours: the rule could not be examined


@dataclass
class Examination:
    """A version's findings by rule, and GX's results, less every value, for the pages."""

    findings: list[Finding]
    results: list[ExpectationSuiteValidationResult]


def examine(folder: Path, before: Path | None, rules: Iterable[Rule] = RULES) -> Examination:
    """Hold the version built in `folder` to its suites, where it differs from the one in `before`."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("finance")
    done = Examination([], [])
    with opened(folder, before) as con:
        for suite, of_suite in groupby(sorted(rules, key=lambda one: one.suite), key=lambda one: one.suite):
            mine = list(of_suite)
            frame = con.execute(FRAMES[suite].query).df()
            if frame.empty:
                done.findings += [Finding(one.name, suite, one.is_blocking, 0) for one in mine]
                continue
            asset = source.add_dataframe_asset(suite)
            definition = gx.ValidationDefinition(
                name=suite, data=asset.add_batch_definition_whole_dataframe("built"),
                suite=gx.ExpectationSuite(name=suite, expectations=[_expectation(one) for one in mine]),
            )  # fmt: skip
            context.suites.add(definition.suite)
            context.validation_definitions.add(definition)
            period = FRAMES[suite].period
            result = definition.run(
                batch_parameters={"dataframe": frame},
                result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["region", period]},
            )
            by_name = {one.name: one for one in mine}
            for one in result.results:
                done.findings.append(_finding(by_name[config_of(one).meta["rule"]], one, len(frame), period))
            done.results.append(result)
    return done


def _expectation(rule: Rule) -> Any:
    kind = OWN.get(rule.kind) or getattr(standard, rule.kind)
    return kind(
        **rule.arguments, description=rule.description, meta={"rule": rule.name},
        severity=FailureSeverity.CRITICAL if rule.is_blocking else FailureSeverity.WARNING,
    )  # fmt: skip


def config_of(result: Any) -> Any:
    """What was expected, of a result."""
    return result.expectation_config


def _finding(rule: Rule, result: Any, rows: int, period: str) -> Finding:
    """Read a result, and take every value of the data out of it: pages and logs have counts and places."""
    is_broken, found = _is_error(result.exception_info), result.result or {}
    index = found.get("unexpected_index_list") or []
    places = sorted({(str(one["region"]), str(one[period])[:10]) for one in index})
    finding = Finding(rule.name, rule.suite, rule.is_blocking, rows, found.get("unexpected_count") or 0, places)
    if is_broken:
        finding.error = f"{rule.name} could not be examined"
    elif not result.success and not places:
        finding.error = f"{rule.name} failed without a place"
    result.result = {name: found[name] for name in _COUNTS if name in found}
    result.exception_info = {
        "raised_exception": is_broken, "exception_traceback": None, "exception_message": finding.error,
    }  # fmt: skip
    return finding


def _is_error(info: dict[str, Any]) -> bool:
    """Great Expectations tells of one exception flat, and of several by metric."""
    return bool(info.get("raised_exception")) or any(
        isinstance(one, dict) and one.get("raised_exception") for one in info.values()
    )
