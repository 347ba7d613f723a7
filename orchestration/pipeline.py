"""`romi run` and `romi backfill`: the jobs of the Dagster UI, one after another in this process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster._core.instance import InstanceRef
from sqlalchemy import Engine, event

from ingestion import landing
from ingestion.books import region_file
from ingestion.held_key import check_key
from operations import doctor, metrics, run_log, status, switches
from operations.dp_release import releases
from operations.error_messages import describe_error
from operations.incidents import causes, escalation, of_run, run_warnings
from operations.incidents.findings import Finding, Kind
from operations.lineage.emitter import Emitter
from operations.progress import Step, report
from operations.publishing.region_marts import RegionLateError
from operations.rebuilding import plan
from operations.rebuilding.rebuild import days_at_hand
from operations.rebuilding.shapes import undeployable
from operations.store import versions
from operations.store.locks import OnWait, wait_quietly
from operations.store.memory import published as lost_state
from operations.store.migrations import on_present_format
from orchestration import lineage
from orchestration.definitions import defs, defs_without_models
from orchestration.event_log import in_batches, overrides
from orchestration.failures import cause_of, was_ended
from orchestration.journal import set_aside_if_damaged
from orchestration.outcome import Outcome
from orchestration.partitions import range_tags, regions
from orchestration.selection import rebuild_of
from orchestration.timeline import NOT_RETRIED, shown_in_timeline
from orchestration.warehouse import RUN_ID
from privacy.keys import key_file
from quality.expectations.process import warm_up
from settings import RomiError, Settings, UnknownValueError, UsageError

_DAGSTER_YAML = Path(__file__).with_name("dagster.yaml")
_OURS = {"romi/run": "command line"}
_WITHOUT_MODELS = ("ingest", "publish")
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run(settings: Settings, config: Path | None, on_wait: OnWait = wait_quietly) -> Outcome:
    """Ingest what is new, rebuild what it touches, publish what is settled.

    A region that fails is named in the outcome and holds back no other.

    Raises:
        UsageError: the landing zone, the configuration or the warehouse cannot be used.
    """
    landed = landing.regions(settings)
    # A region that lands nothing any more still follows changed rules.
    kept = [region for region in settings.known_regions() if settings.region_file(region).exists()]
    outcome = Outcome(regions=sorted({*landed, *kept}))
    with jobs_of(settings, config, outcome, on_wait, loads=True) as jobs:
        if not jobs.is_deployable:
            return outcome
        has_keys = key_file(settings.warehouse).exists()
        for region in jobs.regions:
            if jobs.ingest(region):
                if windows := pending(settings, region):
                    warm_up()
                outcome.rebuilt_days += jobs.rebuild(region, windows)
                jobs.release(region)
        jobs.publish()
    if not has_keys and key_file(settings.warehouse).exists():
        outcome.keys_made = str(key_file(settings.warehouse))
    return outcome


def backfill(
    settings: Settings, config: Path | None, first: date, last: date, chosen: str | None, on_wait: OnWait = wait_quietly
) -> Outcome:
    """Rebuild the days `first` to `last` of all regions, or of the `chosen` one, from the warehouse, and publish.

    Days that wait for another reason are left to the next run, but for those of the same months.

    Raises:
        UnknownValueError: there is no such region.
        UsageError: no region has anything of these days, or retention has disposed of them.
    """
    known = [region for region in settings.known_regions() if settings.region_file(region).exists()]
    if chosen and chosen not in known:
        raise UnknownValueError("region", chosen, known)
    outcome = Outcome(regions=[chosen] if chosen else known)
    with jobs_of(settings, config, outcome, on_wait, loads=False) as jobs:
        if not jobs.is_deployable:
            return outcome
        found = {region: days_at_hand(settings, region, first, last) for region in jobs.regions}
        windows = {region: window for region, window in found.items() if window}
        if not windows and not outcome.failures:
            raise UsageError(f"nothing of {first} to {last} is there to rebuild")
        outcome.regions = list(windows)
        if windows:
            warm_up()
        for region, window in windows.items():
            outcome.rebuilt_days += jobs.rebuild(region, [window], whole=True)
        jobs.publish()
    return outcome


@contextmanager
def jobs_of(
    settings: Settings, config: Path | None, outcome: Outcome, on_wait: OnWait, *, loads: bool
) -> Iterator[_Jobs]:
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
        _end_killed_runs(journal)
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
        yield _Jobs(journal, settings, config, outcome, booked, not problems, lost, emitter)


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


_OF_STEPS = {
    True: ", and waits in (other) until k_anonymity buyers have come whom no version before can have shown",
    False: ", and named in one step: cells may differ by fewer than k_anonymity buyers from versions before",
}


@dataclass
class _Jobs:
    instance: dg.DagsterInstance
    settings: Settings
    config: Path | None
    outcome: Outcome
    booked: dict[str, int]  # by region: the last archive that was there before
    is_deployable: bool  # whether the models fit the regions' tables
    lost: lost_state.AtStart
    emitter: Emitter

    @property
    def regions(self) -> list[str]:
        """Those that nothing stops."""
        return [region for region in self.outcome.regions if region not in self.lost.stopped]

    def tell_if_loaded_again(self, region: str) -> None:
        if found := self.lost.may_load_again.get(region):
            line = f"{region}: {found.what.partition(';')[0]}; all that it must hold was loaded again"
            steps = _OF_STEPS[found.kind == "older_file"] if self.settings.privacy.k_anonymity > 1 else ""
            self.outcome.warnings.append(line + steps)

    def ingest(self, region: str) -> bool:
        """Load what is new of a region; tells whether that came through."""
        is_done = self.execute("ingest", f"{region}: ingest", partition_key=region)
        if is_done:
            self.tell_if_loaded_again(region)
        return is_done

    def release(self, region: str) -> None:
        """Draw the months of a region that are due."""
        if _has_release_due(self.settings, region):
            self.execute("release", f"{region}: release", partition_key=region)

    def execute(
        self, name: str, what: str, partition_key: str | None = None, tags: dict[str, str] | None = None,
        selection: list[dg.AssetKey] | None = None,
    ) -> bool:  # fmt: skip
        """Run a job of the definitions, or a selection of its assets; a failure is noted in one line and not raised."""
        places = {"landing": self.settings.landing, "warehouse": str(self.settings.warehouse)}
        resource = {"config": {**places, **({"config": str(self.config)} if self.config else {})}}
        told = {**_OURS, RUN_ID: run_log.run_id() or "", **NOT_RETRIED, **(tags or {})}
        told_as = lineage.JobTold(self.emitter, name, str(uuid4()), what.rpartition(": ")[0] or None, run_log.run_id())
        told_as.start()
        definitions = _definitions_without_models() if name in _WITHOUT_MODELS else _definitions()
        # A moment for the whole job: Dagster else lists the days of all regions anew for each table.
        with dg.partition_loading_context(dynamic_partitions_store=self.instance):
            result = definitions.resolve_job_def(name).execute_in_process(
                instance=self.instance, run_config={**_QUIET, "resources": {"warehouse": resource}},
                raise_on_error=False, partition_key=partition_key, tags=told,
                asset_selection=selection, run_id=told_as.run[0],
            )  # fmt: skip
        if result.success:
            told_as.complete()
        else:
            cause = cause_of(result.get_step_failure_events())
            told_as.fail(*cause)
            if was_ended(cause):
                raise KeyboardInterrupt  # nothing more is done
            self.outcome.fail(what, *cause)
        return result.success

    def rebuild(self, region: str, windows: list[tuple[date, date]], *, whole: bool = False) -> int:
        """Rebuild windows in ascending order, since later days read earlier ones; stop at the first that fails.

        Args:
            whole: all tables of the days, rather than those that are pending.
        """
        days = 0
        for first, last in windows:
            # Days before Dagster's calendar are one partition, and rebuilt together.
            if not whole and not self._is_pending(region, first, last):
                continue
            tables = None if whole else _tables(self.settings, region, first, last)
            if not self.execute(
                "rebuild", f"{region}: rebuild {first} to {last}", tags=range_tags(region, first, last),
                selection=None if tables is None else rebuild_of(tables),
            ):  # fmt: skip
                break
            if self._is_pending(region, first, last):
                self.outcome.fail(f"{region}: rebuild", f"{first} to {last} were rebuilt, but not judged")
                break
            days += (last - first).days + 1
        return days

    def _is_pending(self, region: str, first: date, last: date) -> bool:
        return any(start <= last and end >= first for start, end in pending(self.settings, region))

    def publish(self) -> None:
        """Publish what is settled, and note what came of it."""
        report(Step("publish"))
        before = versions.current_version(self.settings)
        self.execute("publish", "publish")
        after = versions.current_version(self.settings)
        self.outcome.version = None if after == before else after
        self.outcome.pinned = versions.pinned_version(self.settings)
        for one in status.snapshots(self.settings):
            if one["withheld"]:
                self.outcome.withheld[one["region"]] = one["withheld"]
        self.outcome.warnings += run_warnings.warnings(self.settings, self.booked)
        self.outcome.notes += run_warnings.notes_of(self.settings, self.booked)


@cache
def _definitions() -> dg.Definitions:
    return defs()


@cache
def _definitions_without_models() -> dg.Definitions:
    return defs_without_models()


def pending(settings: Settings, region: str) -> list[tuple[date, date]]:
    """The region's days that wait for their rebuild, as windows in ascending order."""
    with region_file(settings, region, read_only=True) as con:
        return plan.windows(con)


def _tables(settings: Settings, region: str, first: date, last: date) -> tuple[str, ...] | None:
    with region_file(settings, region, read_only=True) as con:
        return plan.tables_to_rebuild(con, first, last)


def _has_release_due(settings: Settings, region: str) -> bool:
    try:
        return bool(releases.due(settings, region))
    except RegionLateError:
        return False
    except RomiError:
        return True  # the job will say what is wrong


def _end_killed_runs(instance: dg.DagsterInstance) -> None:
    """A killed `romi run` leaves a run that looks alive and would hold its place in the pool for ever."""
    alive = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.NOT_STARTED], tags=_OURS)
    for run in instance.get_runs(alive):
        instance.report_run_failed(run, "its process ended before it did")


@contextmanager
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of the warehouse."""
    home = settings.dagster_home.absolute()
    home.mkdir(exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copyfile(_DAGSTER_YAML, home / "dagster.yaml")
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
