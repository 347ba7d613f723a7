"""Asset checks: each says what it protects and what to do when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg


def spec(
    asset: list[str], name: str, protects: str, if_it_fails: str, partitions: dg.PartitionsDefinition | None = None
) -> dg.AssetCheckSpec:
    """The declaration of a check, as the UI lists it."""
    description = f"{protects} If it fails, {if_it_fails}"
    return dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=partitions)


def result(
    asset: list[str], name: str, facts: Mapping[str, Any], *, passed: bool | None = None, warns: bool = False
) -> dg.AssetCheckResult:
    """What came of it: passed where there is nothing to tell, unless that is said apart."""
    return dg.AssetCheckResult(
        asset_key=asset, check_name=name, passed=not facts if passed is None else passed, metadata=facts,
        severity=dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
    )  # fmt: skip
