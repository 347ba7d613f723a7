"""Why a run failed, as its events tell."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg


def cause_of(failures: Iterable[dg.DagsterEvent]) -> tuple[str, str | None]:
    """The innermost error of the step that failed first: what it says in one line, and the name of its class."""
    for failure in failures:
        error = failure.step_failure_data.error
        while error and error.cause:
            error = error.cause
        if error:
            _, _, message = error.message.partition(": ")  # the class comes first
            return " ".join((message or error.message).split()), error.cls_name
    return "see the run in the Dagster UI", None
