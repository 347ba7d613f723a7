"""`romi run` and `romi backfill`: the jobs of the Dagster UI, one after another in this process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance import InstanceRef
from sqlalchemy import Engine, event

from ingestion import landing
from ingestion.held_key import check_key
from operations import doctor, metrics, run_log, switches
from operations.error_messages import describe_error
from operations.incidents import causes, escalation, of_run, run_warnings
from operations.incidents.findings import Finding, Kind
from operations.rebuilding.rebuild import days_at_hand
from operations.rebuilding.shapes import undeployable
from operations.store.locks import OnWait, wait_quietly
from operations.store.memory import published as lost_state
from operations.store.migrations import on_present_format
from orchestration import lineage
from orchestration.event_log import in_batches, overrides
from orchestration.jobs import Jobs, Windows, end_killed_runs, pending
from orchestration.journal import set_aside_if_damaged
from orchestration.outcome import Outcome
from orchestration.partitions import regions
from orchestration.side_by_side import Team, build_regions
from orchestration.timeline import shown_in_timeline
from privacy.keys import key_file
from quality.expectations.process import warm_up
from settings import Settings, UnknownValueError, UsageError
from settings.durable import write_durably

_DAGSTER_YAML = Path(__file__).with_name("dagster.yaml")


class NothingThereError(UsageError):
    """No day is there that could be rebuilt."""


def run(settings: Settings, config: Path | None, on_wait: OnWait = wait_quietly, *, workers: int = 1) -> Outcome:
    """Ingest what is new, rebuild what it touches, publish what is settled.

    A region that fails is named in the outcome and holds back no other.

    Args:
        workers: how many regions are rebuilt side by side, each in a process of its own where it is more than one.

    Raises:
        UsageError: the landing zone, the configuration or the warehouse cannot be used.
    """
    landed = landing.regions(settings)
    # A region that lands nothing any more still follows changed rules.
    kept = [region for region in settings.known_regions() if settings.region_file(region).exists()]
    outcome = Outcome(regions=sorted({*landed, *kept}))
    with jobs_of(settings, config, outcome, on_wait, loads=True) as jobs, Team(settings, workers) as team:
        if not jobs.is_deployable:
            return outcome
        has_keys = key_file(settings.warehouse).exists()
        windows = dict(_ingested(jobs, team))
        if any(windows.values()):
            warm_up()
        build_regions(jobs, windows, team)
        jobs.publish()
    if not has_keys and key_file(settings.warehouse).exists():
        outcome.keys_made = str(key_file(settings.warehouse))
    return outcome


def backfill(
    settings: Settings, config: Path | None, first: date, last: date, chosen: str | None,
    on_wait: OnWait = wait_quietly, *, workers: int = 1,
) -> Outcome:  # fmt: skip
    """Rebuild the days `first` to `last` of all regions, or of the `chosen` one, from the warehouse, and publish.

    Days that wait for another reason are left to the next run, but for those of the same months.

    Raises:
        UnknownValueError: there is no such region.
        NothingThereError: no region has anything of these days, or retention has disposed of them, or they are closed.
    """
    known = [region for region in settings.known_regions() if settings.region_file(region).exists()]
    if chosen and chosen not in known:
        raise UnknownValueError("region", chosen, known)
    outcome = Outcome(regions=[chosen] if chosen else known)
    with jobs_of(settings, config, outcome, on_wait, loads=False) as jobs, Team(settings, workers) as team:
        if not jobs.is_deployable:
            return outcome
        found = {region: days_at_hand(settings, region, first, last) for region in jobs.regions}
        windows = {region: window for region, window in found.items() if window}
        if not windows and not outcome.failures:
            raise NothingThereError(f"nothing of {first} to {last} is there to rebuild")
        outcome.regions = list(windows)
        if windows:
            warm_up()
        build_regions(jobs, {region: [window] for region, window in windows.items()}, team, is_backfill=True)
        jobs.publish()
    return outcome


def _ingested(jobs: Jobs, team: Team) -> Iterator[tuple[str, Windows]]:
    """Each region that could be loaded, with what is to be rebuilt of it.

    From the second on that has something, the team is got ready while others are loaded.
    """
    to_build = 0
    for region in jobs.regions:
        if jobs.ingest(region):
            windows = pending(jobs.settings, region)
            to_build += bool(windows)
            if to_build > 1:
                team.prepare(to_build)
            yield region, windows


@contextmanager
def jobs_of(
    settings: Settings, config: Path | None, outcome: Outcome, on_wait: OnWait, *, loads: bool
) -> Iterator[Jobs]:
    """The warehouse to oneself, with what a killed run left cleared away, and what is missing of it told.

    Where the models do not fit a region's tables, that is among the outcome's failures, and no job is to be run.
    """
    with (
        run_log.run_of() as run_id,
        lineage.run_told(settings, outcome, run_id, loads=loads) as emitter,
        _incidents(settings, outcome, run_id),
        on_present_format(settings, on_wait) as migrated,
        _whole_instance(settings, outcome) as journal,
    ):
        outcome.run_id, outcome.migrated = run_id, migrated.steps
        switches.check_names(settings)
        outcome.notes += switches.book_changes(settings, outcome.regions)
        for region, problem in migrated.failures.items():
            outcome.fail(f"{region}: migrate", problem)
        outcome.regions = [region for region in outcome.regions if region not in migrated.failures]
        for region in outcome.regions:
            if settings.region_file(region).exists():
                check_key(settings, region)
        end_killed_runs(journal)
        problems = undeployable(settings, outcome.regions)
        outcome.failures += problems
        outcome.findings += [causes.of_failure(problem, None, "build") for problem in problems]
        shutil.rmtree(settings.staging_dir, ignore_errors=True)
        journal.add_dynamic_partitions(str(regions.name), outcome.regions)
        outcome.warnings += run_warnings.mended_tombstones(settings, outcome.regions) + doctor.said_at_start(settings)
        lost = lost_state.at_start(settings, outcome.regions if loads else [])
        outcome.failures += lost.lines
        outcome.findings += [*causes.of_lost_state(lost.findings), *causes.of_clock(doctor.clock_problem(settings))]
        booked = run_warnings.booked_so_far(settings)
        yield Jobs(journal, settings, config, outcome, booked, not problems, lost, emitter)


@contextmanager
def _incidents(settings: Settings, outcome: Outcome, run_id: str) -> Iterator[None]:
    """Opens and closes incidents by what the run came to, also where it ends before its end."""
    try:
        yield
    except Exception as error:
        with suppress(OSError):  # a full disk takes no book: what the error says goes first
            of_run.after_failure(settings, error, run_id)
            escalation.tick(settings)
        raise
    try:
        outcome.incidents += of_run.after_run(settings, outcome.findings, outcome.regions, run_id).lines
        outcome.incidents += escalation.tick(settings)
        metrics.write(settings)
    except OSError as error:
        outcome.warnings.append(f"incidents and metrics cannot be written: {describe_error(error)}")


@contextmanager
def _whole_instance(settings: Settings, outcome: Outcome) -> Iterator[dg.DagsterInstance]:
    if damaged := set_aside_if_damaged(settings):
        outcome.warnings.append(damaged)
        outcome.findings.append(
            Finding(Kind.JOURNAL, "Dagster's storage was damaged", damaged, mend="nothing: it was made anew")
        )
    with instance(settings) as journal:
        yield journal


@contextmanager
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of the warehouse."""
    home = settings.dagster_home.absolute()
    home.mkdir(exist_ok=True)
    if not (home / "dagster.yaml").exists():  # whole or not at all: a full disk leaves no empty one
        write_durably(home / "dagster.yaml", _DAGSTER_YAML.read_text(), mode=0o666)
    # The event log is a journal, not a book: it need not wait for the disk at each of thousands of events.
    event.listen(Engine, "connect", _no_sync)
    try:
        reference = InstanceRef.from_dir(str(home), overrides=overrides(home))
        with in_batches(), dg.DagsterInstance.from_ref(reference) as opened:
            yield shown_in_timeline(opened)
    finally:
        event.remove(Engine, "connect", _no_sync)


def _no_sync(connection: Any, _: Any) -> None:
    connection.execute("pragma synchronous = off")
