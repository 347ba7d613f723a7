"""A run as JSON lines on standard error, for whoever collects logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import ERROR, INFO, WARNING
from typing import TYPE_CHECKING

import click

from operations import run_log

if TYPE_CHECKING:
    from orchestration.outcome import Outcome


@contextmanager
def logged() -> Iterator[Callable[[str], None]]:
    """Log what the body does; yields what to call when another run has to be waited for.

    Logging goes on until the command ends, so that the error that ends it is a line of JSON as well.
    """
    click.get_current_context().with_resource(run_log.json_lines())
    run_log.tell("run", "began")
    yield lambda line: run_log.tell("wait", line)


def log_outcome(outcome: Outcome) -> None:
    """A record for each thing that the end of a run says to people, and one for the end."""
    for event, level, lines in (
        ("migrated", INFO, outcome.migrated), ("failure", ERROR, outcome.failures),
        ("warning", WARNING, outcome.warnings), ("note", INFO, outcome.notes), ("incident", WARNING, outcome.incidents),
    ):  # fmt: skip
        for line in lines:
            region, mark, _ = line.partition(": ")
            known = region if mark and region in outcome.regions else None
            run_log.tell(event, line, region=known, level=level)
    for region, days in outcome.withheld.items():
        run_log.tell("withheld", f"{len(days)} days are withheld", region=region, level=WARNING, days=days)
    run_log.tell(
        "run", "ended", level=ERROR if outcome.failures else INFO, exit_code=outcome.exit_code,
        version=outcome.version, rebuilt_days=outcome.rebuilt_days,
    )  # fmt: skip
