"""Asset checks: each says what it protects and what to do when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from operations.incidents.findings import Kind
from operations.incidents.runbooks import RUNBOOKS, anchor
from settings import Settings

_RUNBOOK = "runbook"  # the key in a failed check's metadata


def spec(
    asset: list[str], name: str, protects: str, if_it_fails: str, partitions: dg.PartitionsDefinition | None = None
) -> dg.AssetCheckSpec:
    """The declaration of a check, as the UI lists it."""
    description = f"{protects} If it fails, {if_it_fails}"
    return dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=partitions)


def result(
    asset: list[str], name: str, facts: Mapping[str, Any], *, passed: bool | None = None, warns: bool = False,
    runbook: Mapping[str, dg.MetadataValue[str]] | None = None,
) -> dg.AssetCheckResult:  # fmt: skip
    """What came of it: passed where there is nothing to tell, unless that is said apart.

    Args:
        runbook: as :func:`runbook` gives it; shown beside the facts where the check failed.
    """
    is_passed = not facts if passed is None else passed
    return dg.AssetCheckResult(
        asset_key=asset, check_name=name, passed=is_passed,
        metadata={**facts, **({} if is_passed else runbook or {})},
        severity=dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
    )  # fmt: skip


def runbook(settings: Settings, kind: Kind) -> dict[str, dg.MetadataValue[str]]:
    """The metadata that leads from a failed check to what is to be done about it: a link, and the steps in short."""
    one = RUNBOOKS[kind]
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(one.steps, 1))
    link = f"[{one.title}]({settings.incidents.runbooks}#{anchor(kind)})"
    return {_RUNBOOK: dg.MetadataValue.md(f"{link}\n\n{steps}")}
