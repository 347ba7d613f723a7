"""Why a run failed, as its events tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from settings import RomiError

# What Dagster calls it when SIGTERM or SIGINT end a step.
_ENDED = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def was_ended(cause: tuple[str, str | None]) -> bool:
    """Whether somebody ended the run, so that it has not failed; of what :func:`cause_of` told."""
    return cause[1] in _ENDED


def cause_of(failures: Iterable[dg.DagsterEvent]) -> tuple[str, str | None]:
    """The error of the step that failed first: what it says in one line, and the name of its class.

    Of errors that caused one another it is the innermost of our own, whose words are for people, or else the innermost.
    """
    for failure in failures:
        chain = list(_chain(failure.step_failure_data.error))
        if chain:
            ours = _names(RomiError)
            error = next((one for one in reversed(chain) if one.cls_name in ours), chain[-1])
            _, _, message = error.message.partition(": ")  # the class comes first
            return " ".join((message or error.message).split()), error.cls_name
    return "see the run in the Dagster UI", None


def _chain(error: Any) -> Iterator[Any]:
    while error:
        yield error
        error = error.cause


def _names(kind: type) -> set[str]:
    return {kind.__name__}.union(*map(_names, kind.__subclasses__()))
