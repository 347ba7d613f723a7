"""Write, audit, publish: a new version is built beside the current one, audited, then swapped in by a rename."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.books import transaction
from ingestion.records import naive_utc
from operations.dp_release.released_marts import released_state, write_released
from operations.finance_tables.published_tables import (
    ADJUSTMENTS,
    CLOSED_MONTHS,
    COLUMNS,
    OF_REGIONS,
    VERSIONS,
)
from operations.finance_tables.version_audit import Finding, audit
from operations.finance_tables.version_tables import Source, attach, copy_to_parquet, differs
from operations.publishing import survey
from operations.publishing.expectation_gate import Days, known_days, withhold
from operations.publishing.filling import fill_version
from operations.publishing.region_marts import RegionState, held_back
from operations.service_levels.slo_marts import confirm_marts, fill_slos
from operations.store.memory.keeping import remember_published
from operations.store.memory.published import refuse_lost_version
from operations.store.memory.remembered import warehouse_memory
from operations.store.versions import (
    MANIFEST,
    SEEN,
    current_version,
    pinned_version,
    put_in_place,
    read_manifest,
    read_version_manifest,
    remove_leftovers,
    version_dir,
    version_ids,
    work_dir,
)
from settings import PermanentError, Settings, now
from settings.durable import write_json


@dataclass(frozen=True)
class Publication:
    """A version that has just become the current one."""

    version: int
    folder: Path
    rows: dict[str, int]
    regions: dict[str, RegionState]
    late: dict[str, str]  # regions shown by their last good rows, if they had any, and why


# Given a version's number, its folder and that of the version before: the days not to publish, by region.
Examine = Callable[[int, Path, Path | None], Days]


class _NotAsExpectedError(Exception):
    def __init__(self, days: Days) -> None:
        self.days = days
        super().__init__("rows are not as expected")


def publish(
    settings: Settings, *, clock: Callable[[], datetime] = now, examine: Examine | None = None
) -> Publication | None:
    """Publish what the regions' files hold, if it differs from what is published. The caller holds the warehouse.

    A region is published as long as it is configured or has a file: taking it out of the configuration alone keeps
    its rows, so that no slip of the pen removes them. A region whose file cannot be read, and a day that is withheld
    or waits for its rebuild, keep the rows of the current version. Days that the audit or `examine` finds fault with
    are withheld too, and the version is built once more without them.

    Returns:
        None where nothing differs, and while a version is pinned
        (see :func:`operations.store.versions.pinned_version`).

    Raises:
        PermanentError: the audit or `examine` refused the new version, or the current one cannot be read, or less of it
            is there than is remembered; nothing was swapped.
    """
    refuse_lost_version(settings)
    if pinned_version(settings) is not None:
        return None
    remember_published(settings)  # a kill may have come before
    remove_leftovers(settings)
    current = current_version(settings)
    last = read_manifest(settings, current) if current else {"regions": {}}
    if last.get("currency", settings.reporting_currency) != settings.reporting_currency:
        current, last = None, {"regions": {}}  # nothing can be carried over, nor compared
    regions = survey.surveyed(settings, last)
    if not any(source.state for source in regions.values()):
        return None
    publication = None
    if not survey.is_known(settings, current, last, regions):
        publication = _publish(settings, naive_utc(clock()), current, last, regions, examine)
    confirm_marts(settings, regions)
    return publication


def _publish(
    settings: Settings, built_at: datetime, current: int | None, last: dict[str, Any], regions: dict[str, Source],
    examine: Examine | None,
) -> Publication | None:  # fmt: skip
    """Build and swap in a version of `regions`, which then are as they were withheld from."""
    try:
        return _swap_in(settings, built_at, current, survey.with_rows(settings, last, regions), examine)
    except _NotAsExpectedError as error:
        withhold(settings, error.days)
    regions |= survey.surveyed(settings, last)
    return _without(settings, built_at, current, survey.with_rows(settings, last, regions), examine)


def _without(
    settings: Settings, built_at: datetime, current: int | None, sources: dict[str, Source], examine: Examine | None
) -> Publication | None:
    """Build once more, without the days that were found fault with."""
    try:
        return _swap_in(settings, built_at, current, sources, examine)
    except _NotAsExpectedError as error:
        named = ", ".join(f"{region} {day}" for region, days in error.days.items() for day in days)
        raise PermanentError(f"what is published is not as expected without {named} either") from error


def _swap_in(
    settings: Settings, built_at: datetime, current: int | None, sources: dict[str, Source], examine: Examine | None
) -> Publication | None:
    version = max([*version_ids(settings), current or 0, warehouse_memory(settings).highest]) + 1
    folder = work_dir(settings, version)
    try:
        rows = _build(settings, version, built_at, current, sources)
        if rows is None:
            write_json(settings.versions_dir / SEEN, {"version": current, **survey.fingerprint(settings, sources)})
            return None
        if findings := audit(folder):
            if days := _days_of(settings, folder, findings):
                raise _NotAsExpectedError(days)
            said = "; ".join(map(str, findings[:10]))
            raise PermanentError(f"version {version} failed its audit and was not published: {said}")
        if examine:
            _hold(settings, version, current, examine)
        put_in_place(settings, version)
        remember_published(settings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    states = {region: source.state for region, source in sources.items() if source.state}
    late = {region: source.late for region, source in sources.items() if source.late}
    return Publication(version, version_dir(settings, version), rows, states, late)


def _days_of(settings: Settings, folder: Path, findings: list[Finding]) -> Days:
    """The days to withhold for what the audit found; none where that would not mend it."""
    regions = read_version_manifest(folder)["regions"]
    days: Days = {}
    for one in findings:
        if not one.table or not one.region or not one.period or one.region not in regions:
            return {}
        if one.period not in held_back(settings, one.table, RegionState(**regions[one.region])):
            for day in known_days(settings, one.region, one.table, one.period):
                days.setdefault(one.region, {}).setdefault(day, f"audit: {one.words}")
    return days


def _hold(settings: Settings, version: int, current: int | None, examine: Examine) -> None:
    """Have the built version examined where it differs from the current one, if that was."""
    folder = work_dir(settings, version)
    # One that was published without, for an erasure, may hold rows that nobody has looked at.
    was_examined = current is not None and read_manifest(settings, current).get("examined", False)
    if days := examine(version, folder, version_dir(settings, current) if current and was_examined else None):
        raise _NotAsExpectedError(days)
    write_json(folder / MANIFEST, {**read_version_manifest(folder), "examined": True})


def _build(
    settings: Settings, version: int, built_at: datetime, current: int | None, sources: dict[str, Source]
) -> dict[str, int] | None:
    """Write the version's files into its work folder; None where its content is that of the current one."""
    folder = work_dir(settings, version)
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        last = attach(con, version_dir(settings, current) / "marts.duckdb") if current else {}
        # Nobody reads the file yet, so one commit will do: each waits for the disk.
        with transaction(con):
            shown = read_manifest(settings, current) if current else None
            fill_version(con, settings, version, built_at, sources, shown, last)
            is_released = shown and shown.get("released") == released_state(settings)
            passing = [region for region, source in sources.items() if source.is_passing]
            # Not what speaks of the moment of building.
            compared = (*reversed(OF_REGIONS), ADJUSTMENTS, VERSIONS, CLOSED_MONTHS, COLUMNS)
            if is_released and not any(differs(con, table, passing, last) for table in compared):
                return None
            fill_slos(con, settings, sources, last)
        rows = copy_to_parquet(con, folder / "parquet")
    rows |= write_released(folder, settings, version, built_at)
    manifest = {"version": version, "built_at": built_at.isoformat(), **survey.fingerprint(settings, sources)}
    write_json(folder / MANIFEST, manifest)
    return rows
