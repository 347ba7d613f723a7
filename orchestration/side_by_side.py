"""Regions built side by side: each in a process of its own, while this one holds the warehouse and tells what they do.

dbt and Dagster keep state that belongs to a process, and DuckDB takes one writer a file, so a region has one process at
a time. Every process of the team inherits the warehouse's lock and ends when its input does: whatever kills the run, no
other begins before all of them are gone.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from operations import run_log
from operations.progress import Step, report
from operations.recovery import history
from operations.store import locks
from orchestration.jobs import Jobs, Windows, end_killed_runs
from orchestration.outcome import Outcome
from settings import Settings

_ROOT = Path(__file__).resolve().parents[1]
# dbt's semaphores outlive a process that is ended at once. Python removes them all the same, and would warn of it.
_UNTOLD = "ignore:resource_tracker:UserWarning"
_MOST = 4  # processes that are started where nobody says how many


@dataclass(frozen=True)
class Task:
    """A region to build, with all that its process has to know."""

    settings: Settings
    config: Path | None
    run_id: str | None
    is_json: bool  # whether records of the log are written
    processes: int  # that share the memory
    region: str
    windows: Windows
    is_backfill: bool


@dataclass
class Done:
    """What became of it; where somebody ended the process, nothing more is to be done."""

    outcome: Outcome = field(default_factory=Outcome)
    unsent: tuple[str | None, int] = (None, 0)  # of OpenLineage: the problem, and how many events
    was_ended: bool = False
    is_lost: bool = False  # the process ended by itself


def usual_workers(settings: Settings) -> int:
    """How many regions are built side by side where nobody says: one for each processor, few all the same.

    A session of Spark uses all processors by itself.
    """
    return 1 if settings.engine == "spark" else min(os.cpu_count() or 2, _MOST)


class Team:
    """Up to `most` processes that build regions; each takes seconds to import what it needs, once it is started."""

    def __init__(self, settings: Settings, most: int) -> None:
        self.most = most
        self._settings = settings
        self._idle: SimpleQueue[subprocess.Popen[bytes] | None] = SimpleQueue()  # None stands for one that has ended
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.kill()
            process.wait()

    def prepare(self, count: int) -> None:
        """Have so many processes started, or as many as there may be."""
        while len(self._started) < min(count, self.most):
            self._idle.put(self._start())

    def do(self, tasks: list[Task]) -> dict[str, Done]:
        """Have each task done by one of the processes; what became of it, by region."""
        pool = ThreadPoolExecutor(min(self.most, len(tasks)))
        try:
            return dict(zip([task.region for task in tasks], pool.map(self._give, tasks), strict=True))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _give(self, task: Task) -> Done:
        process = self._idle.get() or self._start()
        done = _ask(process, task)
        self._idle.put(None if done.is_lost else process)
        return done

    def _start(self) -> subprocess.Popen[bytes]:
        process = _start(self._settings)
        self._started.append(process)
        return process


def build_regions(jobs: Jobs, windows: dict[str, Windows], team: Team, *, is_backfill: bool = False) -> None:
    """Build the windows of each region; the outcome is as if it had been one after another, in the order given.

    Args:
        team: who builds them, where it is more than one.
        is_backfill: build all tables of the windows, and draw no months.
    """
    waiting = [region for region, found in windows.items() if found]
    count = min(team.most, len(waiting))
    done: dict[str, Done] = {}
    if count > 1:
        team.prepare(count)
        told = (jobs.settings, jobs.config, run_log.run_id(), run_log.is_json(), count)
        with history.measured():  # it is these processes' work, and not what the run takes beside
            done = team.do([Task(*told, region, windows[region], is_backfill) for region in waiting])
    for region, found in windows.items():
        if region in done:
            _take(jobs, done[region])
        else:
            jobs.build(region, found, whole=is_backfill, releases=not is_backfill)
    if any(one.is_lost for one in done.values()):
        end_killed_runs(jobs.instance)


def _take(jobs: Jobs, done: Done) -> None:
    if done.was_ended:
        raise KeyboardInterrupt  # nothing more is done
    jobs.outcome.rebuilt_days += done.outcome.rebuilt_days
    jobs.outcome.failures += done.outcome.failures
    jobs.outcome.findings += done.outcome.findings
    problem, unsent = done.unsent
    jobs.emitter.problem = jobs.emitter.problem or problem
    jobs.emitter.unsent += unsent


def _start(settings: Settings) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    warnings = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), _UNTOLD)))
    # In the same folder, to which paths may be relative, but nothing of it is imported. In a session of its own, since
    # Ctrl-C is for the run, which ends its processes.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "orchestration.region_worker"],
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": warnings},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, pass_fds=[locks.descriptor(settings)],
    )  # fmt: skip


def _ask(process: subprocess.Popen[bytes], task: Task) -> Done:
    assert process.stdin
    assert process.stdout
    try:
        pickle.dump(task, process.stdin)
        process.stdin.flush()
        while isinstance(answer := pickle.load(process.stdout), Step):
            report(answer)
    except (OSError, EOFError, pickle.UnpicklingError):
        lost = Done(is_lost=True)
        lost.outcome.fail(f"{task.region}: rebuild", "its process ended before it did")
        return lost
    found: Any = answer
    assert isinstance(found, Done)
    return found
