"""Progress of long work, for people at a terminal and for logs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from operations.progress import Step, listening
from orchestration.cli.console import wait_teller

_err = Console(stderr=True, highlight=False)


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show each :class:`Step` that work reports; yields what to call when another run has to be waited for."""
    if quiet or not _err.is_terminal:
        with listening(_plain(quiet)):
            yield wait_teller(quiet)
        return
    with _bars() as bars:
        tasks: dict[str, Any] = {}

        def show(step: Step) -> None:
            if step.name not in tasks:
                for task in tasks.values():
                    bars.stop_task(task)
                tasks[step.name] = bars.add_task(step.name, total=step.total or None, detail=step.detail)
            bars.update(tasks[step.name], completed=step.done, total=step.total or None, detail=step.detail)

        show(Step("start Dagster and dbt"))
        with listening(show):
            yield _err.print


def _bars() -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}"), TimeElapsedColumn(), console=_err,
    )  # fmt: skip


def _plain(quiet: bool) -> Callable[[Step], None]:
    """One line a step, when it begins and ends; nothing if quiet."""
    seen: set[str] = set()

    def show(step: Step) -> None:
        is_last = step.total and step.done == step.total
        if not quiet and (step.name not in seen or is_last):
            ended = " (done)" if is_last and step.name in seen else ""
            seen.add(step.name)
            print(f"{step.name} {step.detail}".rstrip() + ended, file=sys.stderr, flush=True)

    return show


@contextmanager
def sample_progress(quiet: bool, total: int) -> Iterator[Callable[[int], None]]:
    """Progress of making the sample, in records."""
    if quiet or not _err.is_terminal:
        yield lambda _: None
        return
    with _bars() as bars:
        task = bars.add_task("sample landing zone", total=total, detail="records")
        yield lambda done: bars.update(task, completed=min(done, total))
        bars.update(task, completed=total)
