"""What a run leaves behind as incidents: what it failed at, and how the warehouse stands after it."""

from __future__ import annotations

from collections.abc import Iterable

from operations import doctor, status
from operations.backups import backup_book
from operations.incidents import causes
from operations.incidents.findings import Finding, Kind
from operations.incidents.report import Changes, report
from operations.recovery.alerts import OF_INPUT, of_input
from operations.service_levels.slo_facts import WHOLE
from operations.store.locks import warehouse_format
from operations.store.memory.published import findings as lost_state
from operations.store.versions import current_version, read_manifest
from settings import Settings

# What a run looks for: what failed in it, and what its regions' snapshots say.
OF_FAILURES = frozenset({
    Kind.FAILED_RUN, Kind.MEMORY, Kind.LOCK, Kind.DISK_FULL, Kind.OUT_OF_MEMORY, Kind.UNREADABLE, Kind.JOURNAL,
})  # fmt: skip
OF_SNAPSHOTS = frozenset({
    Kind.WITHHELD, Kind.CORRUPT_ARCHIVES, Kind.BURN_RATE, Kind.BACKUP_FAILED, Kind.CLOCK,
}) | OF_INPUT  # fmt: skip


def after_run(settings: Settings, failed: Iterable[Finding], regions: Iterable[str], run: str | None) -> Changes:
    """Report what a run failed at, and how the warehouse stands after it.

    Args:
        failed: what it failed at, in the order in which it did.
        regions: those that it worked on. Of one that still has days to rebuild, nothing is called mended.
    """
    failed = _as_remembered(settings, list(failed))
    snapshots = {one["region"]: one for one in status.snapshots(settings)}
    settled = {region for region in regions if not snapshots.get(region, {}).get("pending")}
    whole: set[str | None] = {None} if settled >= snapshots.keys() else set()
    found = [*failed, *_not_read(settings, failed), *standing(settings)]
    return report(settings, found, judged=OF_FAILURES | OF_SNAPSHOTS, regions=settled | whole, run=run)


def of_job(
    settings: Settings, job: str, region: str | None, run: str, text: str | None = None, error_class: str | None = None
) -> Changes:  # fmt: skip
    """Report how one job ended that Dagster ran for a region (None: for all), and how the warehouse stands after it.

    Args:
        text: what its error says, where it failed.
        error_class: the name of the error's class.
    """
    if warehouse_format(settings.warehouse) is None:
        return Changes()
    failed = [] if text is None else [causes.of_failure(text, region, job, error_class)]
    changes = report(
        settings, _as_remembered(settings, failed), judged=OF_FAILURES if text is None else (), regions={region},
        things={job}, run=run,
    )  # fmt: skip
    return changes + after_snapshots(settings, run)


def after_snapshots(settings: Settings, run: str | None = None) -> Changes:
    """Report how the warehouse stands by its snapshots and books."""
    pending = {one["region"] for one in status.snapshots(settings) if one["pending"]}
    right: set[str | None] = {None, *(set(settings.known_regions()) - pending)}
    return report(settings, standing(settings), judged=OF_SNAPSHOTS, regions=right, run=run)


def after_failure(settings: Settings, error: BaseException, run: str | None) -> Changes:
    """Report what ended a run before its end. Nothing else was looked at, so nothing is closed."""
    found = causes.of_error(error)
    if found is None or warehouse_format(settings.warehouse) is None:
        return Changes()
    return report(settings, [found], judged=(), run=run)


def standing(settings: Settings) -> list[Finding]:
    """What the regions' snapshots, the books and the clock say is wrong now."""
    found: list[Finding] = []
    for one in status.snapshots(settings):
        found += causes.of_withheld(one["region"], one["withheld"])
        found += causes.of_corrupt(one["region"], one["backlog"].get("corrupt") or [])
        found += of_input(settings, one)
    burning = ((None if region == WHOLE else region, slo, level) for region, slo, level in status.burning(settings))
    found += [*causes.of_burning(burning), *causes.of_backups(backup_book.summary(settings))]
    return [*found, *causes.of_clock(doctor.clock_problem(settings))]


def _as_remembered(settings: Settings, failed: list[Finding]) -> list[Finding]:
    """What a step found missing, in the terms in which the next run will find it before its first step."""
    if not any(one.kind == Kind.MEMORY for one in failed):
        return failed
    lost = list(causes.of_lost_state(lost_state(settings)))
    known = {one.region for one in lost}
    others = [one for one in failed if one.kind != Kind.MEMORY or one.region not in known]
    return [*others, *(one for one in lost if one.region in {one.region for one in failed})]


def _not_read(settings: Settings, failed: list[Finding]) -> list[Finding]:
    """Regions that are shown by their last good rows, where nothing that failed says why."""
    current = current_version(settings)
    told = {one.region for one in failed}
    if current is None or None in told:
        return []
    return [
        Finding(
            Kind.FAILED_RUN, "the region's file could not be read", f"version {current} shows its last good rows",
            region,
            things=("publish",), mend="`romi doctor` says what is wrong with its file",
        )
        for region, state in read_manifest(settings, current)["regions"].items()
        if state.get("carried_over") and region not in told
    ]  # fmt: skip
