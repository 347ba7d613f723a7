"""The warehouse's logs: Dagster's runs with their events and output, and what dbt wrote."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import dagster as dg

from settings import Settings

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def old_logs(settings: Settings, instance: dg.DagsterInstance, before: datetime) -> dict[str, Callable[[], None]]:
    """Runs that ended and were made before, and files of dbt's target older than that; each with what removes it."""
    ended = dg.RunsFilter(statuses=_ENDED, created_before=before)
    runs = [record.dagster_run.run_id for record in instance.get_run_records(ended)]
    found: dict[str, Callable[[], None]] = {
        f"run {run_id}": partial(_delete_run, settings.dagster_home, instance, run_id) for run_id in sorted(runs)
    }
    for path in sorted(settings.dbt_dir.rglob("*")):
        if path.is_file() and path.stat().st_mtime < before.timestamp():
            found[f"dbt {path.relative_to(settings.dbt_dir)}"] = partial(path.unlink, missing_ok=True)
    return found


def _delete_run(home: Path, instance: dg.DagsterInstance, run_id: str) -> None:
    """Files first: what Dagster knows of the run goes last, so that a kill leaves it to be found again."""
    shutil.rmtree(home / "storage" / run_id, ignore_errors=True)
    instance.delete_run(run_id)
    for path in (home / "history" / "runs").glob(f"{run_id}.db*"):
        path.unlink(missing_ok=True)
