"""A run's jobs, those of the Dagster UI: each executed in this process, and what it came to noted in the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg

from ingestion.books import region_file
from operations import run_log, status
from operations.dp_release import releases
from operations.incidents import run_warnings
from operations.lineage.emitter import Emitter
from operations.progress import Step, report
from operations.publishing.region_marts import RegionLateError
from operations.rebuilding import plan
from operations.recovery import history
from operations.store import versions
from operations.store.memory import published as lost_state
from orchestration import lineage
from orchestration.definitions import defs, defs_without_models
from orchestration.failures import cause_of, was_ended
from orchestration.outcome import Outcome
from orchestration.partitions import range_tags
from orchestration.selection import rebuild_of
from orchestration.timeline import NOT_RETRIED
from orchestration.warehouse import RUN_ID
from settings import RomiError, Settings

_OURS = {"romi/run": "command line"}
_WITHOUT_MODELS = ("ingest", "publish")
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
Windows = list[tuple[date, date]]

_OF_STEPS = {
    True: ", and waits in (other) until k_anonymity buyers have come whom no version before can have shown",
    False: ", and named in one step: cells may differ by fewer than k_anonymity buyers from versions before",
}


@dataclass
class Jobs:
    """The jobs of one run, and what they come to."""

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

    def build(self, region: str, windows: Windows, *, whole: bool = False, releases: bool = True) -> None:
        """Rebuild a region's windows, then draw its months."""
        self.outcome.rebuilt_days += self.rebuild(region, windows, whole=whole)
        if releases:
            self.release(region)

    def release(self, region: str) -> None:
        """Draw the months of a region that are due."""
        if _has_release_due(self.settings, region):
            self.execute("release", f"{region}: release", partition_key=region)

    def execute(
        self, name: str, what: str, partition_key: str | None = None, tags: dict[str, str] | None = None,
        selection: list[dg.AssetKey] | None = None,
    ) -> bool:  # fmt: skip
        """Run a job of the definitions, or a selection of its assets; a failure is noted in one line and not raised."""
        region = what.rpartition(": ")[0] or None
        told_as = lineage.JobTold(self.emitter, name, str(uuid4()), region, run_log.run_id())
        told_as.start()
        with history.measured() as span:
            result = self._executed(
                name, partition_key=partition_key, asset_selection=selection, run_id=told_as.run[0],
                tags={**_OURS, RUN_ID: run_log.run_id() or "", **NOT_RETRIED, **(tags or {})},
            )  # fmt: skip
        if result.success:
            told_as.complete()
            if name in history.JOBS:
                history.book_work(self.settings, history.JOBS[name], region or "", span.beyond)
        else:
            cause = cause_of(result.get_step_failure_events())
            told_as.fail(*cause)
            if was_ended(cause):
                raise KeyboardInterrupt  # nothing more is done
            self.outcome.fail(what, *cause)
        return result.success

    def _executed(self, name: str, **options: Any) -> dg.ExecuteInProcessResult:
        places = {"landing": self.settings.landing, "warehouse": str(self.settings.warehouse)}
        resource = {"config": {**places, **({"config": str(self.config)} if self.config else {})}}
        known = definitions_without_models() if name in _WITHOUT_MODELS else definitions()
        # A moment for the whole job: Dagster else lists the days of all regions anew for each table.
        with dg.partition_loading_context(dynamic_partitions_store=self.instance):
            return known.resolve_job_def(name).execute_in_process(
                instance=self.instance, run_config={**_QUIET, "resources": {"warehouse": resource}},
                raise_on_error=False, **options,
            )  # fmt: skip

    def rebuild(self, region: str, windows: Windows, *, whole: bool = False) -> int:
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
def definitions() -> dg.Definitions:
    return defs()


@cache
def definitions_without_models() -> dg.Definitions:
    return defs_without_models()


def pending(settings: Settings, region: str) -> Windows:
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


def end_killed_runs(instance: dg.DagsterInstance) -> None:
    """A killed `romi run` leaves a run that looks alive and would hold its place in the pool for ever."""
    alive = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.NOT_STARTED], tags=_OURS)
    for run in instance.get_runs(alive):
        instance.report_run_failed(run, "its process ended before it did")
