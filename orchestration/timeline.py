"""Runs of the command line, as the UI shows them: on the timeline of their job, and never tried again by Dagster."""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

_LOCATION = "romi"  # as workspace.yaml names it
_PLACE = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(_LOCATION), "__repository__")
# What starts `romi run` tries it again; Dagster's daemon would do so where nobody waits for it.
NOT_RETRIED = {"dagster/max_retries": "0"}


def shown_in_timeline(instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """Have runs that this process executes itself belong to the UI's code location; Dagster does not say so of them."""
    create = instance.create_run_for_job

    def create_in_place(job_def: dg.JobDefinition, **told: Any) -> dg.DagsterRun:
        return create(job_def=job_def, remote_job_origin=RemoteJobOrigin(_PLACE, job_def.name), **told)

    instance.create_run_for_job = create_in_place  # type: ignore[assignment, method-assign]
    return instance
