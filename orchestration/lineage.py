"""Runs and their jobs as OpenLineage events: of `romi run` as they go, of Dagster's daemon once they have ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg

from operations.error_messages import describe_error
from operations.lineage.datasets import Dataset, published, read_by, written_by
from operations.lineage.emitter import Emitter, Named
from operations.store.versions import MANIFEST, current_version, version_dir
from orchestration.outcome import Outcome
from settings import RomiError, Settings
from settings.durable import read_json

_RUN = "run"  # the job that a command is, whatever it does of it


@contextmanager
def run_told(settings: Settings, outcome: Outcome, run_id: str, *, loads: bool) -> Iterator[Emitter]:
    """The body is a run: it has started, then it is complete or has failed; yields what its jobs are told by.

    Args:
        loads: whether it reads the landing zone.
    """
    emitter = Emitter(settings)
    run, before = (run_id, _RUN), _version(emitter)
    inputs = read_by(settings, emitter.namespace, "ingest", outcome.regions if loads else [])
    emitter.emit("START", run, inputs=inputs)
    try:
        yield emitter
    except BaseException as error:
        emitter.emit("FAIL", run, inputs=inputs, error=describe_error(error))
        raise
    outputs = _published(emitter, before)
    if outcome.failures:
        steps = ", ".join(_step(line, outcome) for line in outcome.failures)
        emitter.emit("FAIL", run, inputs=inputs, outputs=outputs, error=f"{len(outcome.failures)} failed: {steps}")
    else:
        emitter.emit("COMPLETE", run, inputs=inputs, outputs=outputs)
    if line := emitter.warning():
        outcome.warnings.append(line)


class JobTold:
    """A Dagster run of a job, which is told under its own id."""

    def __init__(self, emitter: Emitter, job: str, dagster_id: str, region: str | None, run_id: str | None) -> None:
        self.emitter, self.job, self.run = emitter, job, (dagster_id, job if region is None else f"{job}.{region}")
        self.parent: Named | None = (run_id, _RUN) if run_id else None
        self.regions = [region] if region else emitter.settings.known_regions()
        self.before = _version(emitter)

    def start(self, at: datetime | None = None) -> None:
        self.emitter.emit("START", self.run, parent=self.parent, inputs=self._inputs(), at=at)

    def complete(self, at: datetime | None = None) -> None:
        """It has written its tables; of publishing, those of a new version, if there is one."""
        emitter = self.emitter
        outputs: Iterable[Dataset] = written_by(emitter.namespace, self.job, self.regions)
        if self.job == "publish":
            outputs = _published(emitter, self.before)
        emitter.emit("COMPLETE", self.run, parent=self.parent, inputs=self._inputs(), outputs=outputs, at=at)

    def fail(self, text: str, error_class: str | None, at: datetime | None = None) -> None:
        """It has failed; of an error that is not ours only its class is told, since its text may quote the data."""
        told = text if error_class in _ours() else f"unexpected {error_class or 'error'}"
        self.emitter.emit("FAIL", self.run, parent=self.parent, inputs=self._inputs(), error=told, at=at)

    def _inputs(self) -> list[Dataset]:
        return read_by(self.emitter.settings, self.emitter.namespace, self.job, self.regions)


def tell_ended(
    settings: Settings, record: dg.RunRecord, region: str | None, failure: tuple[str, str | None] | None = None
) -> list[str]:
    """Tell of a run that Dagster started by itself and that has ended, by its start and its end.

    Args:
        failure: what its error says and the name of the error's class, where it failed.

    Returns:
        What is to be said of events that were not sent.
    """
    emitter = Emitter(settings)
    if not emitter.is_on:
        return []
    run = record.dagster_run
    started, ended = (None if at is None else datetime.fromtimestamp(at, UTC)
                      for at in (record.start_time, record.end_time))  # fmt: skip
    told = JobTold(emitter, run.job_name, run.run_id, region, None)
    told.before = _version_before(settings, started)
    told.start(started)
    if failure is None:
        told.complete(ended)
    else:
        told.fail(*failure, ended)
    return [line for line in [emitter.warning()] if line]


def _step(line: str, outcome: Outcome) -> str:
    """Of a line that says what failed, the step, with its region before it: ``eu: ingest``."""
    first, _, rest = line.partition(": ")
    return f"{first}: {rest.partition(': ')[0]}" if first in outcome.regions else first


def _version_before(settings: Settings, moment: datetime | None) -> int | None:
    """The current version, if it was built before the moment; else None."""
    current = current_version(settings)
    if current is None or moment is None:
        return None
    built_at = read_json(version_dir(settings, current) / MANIFEST).get("built_at")  # UTC, without an offset
    return current if built_at and datetime.fromisoformat(built_at).replace(tzinfo=UTC) < moment else None


def _published(emitter: Emitter, before: int | None) -> Iterator[Dataset]:
    """The tables of the version that readers see, where it is another than before."""
    if _version(emitter) != before:
        yield from published(emitter.settings, emitter.namespace)


def _version(emitter: Emitter) -> int | None:
    return current_version(emitter.settings) if emitter.is_on else None


def _ours(kind: type[RomiError] = RomiError) -> set[str]:
    """The names of the warehouse's own errors, whose messages quote no value of the data."""
    return {kind.__name__}.union(*(_ours(one) for one in kind.__subclasses__()))
