"""Builds by what they follow from: one that was made before in this process is replayed, also for other days."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from operations import run_log
from operations.rebuilding.engine import project
from operations.rebuilding.engine.built import Built, Event
from operations.rebuilding.engine.on_duckdb import OnDuckDB
from settings import Settings
from tests.kit.replay import Recording, recording, shape_of

# The variables that are days; models put each into their SQL as it is, and ask at most whether there is one.
DAYS = (
    "from_date", "to_date", "frozen_through", "kept_through", "sessions_through", "closed_through", "touched_from",
    "touched_to",
)  # fmt: skip
Key = tuple[Any, ...]
_made: dict[Key, Made] = {}


@dataclass
class Made:
    """A build that was made: what dbt did, for which days, and of the engine's what it told."""

    recording: Recording
    days: list[str]
    built: Built = field(default_factory=Built)
    events: list[Event] = field(default_factory=list)

    def again(self, path: Path, told: dict[str, Any]) -> None:
        """Make it of another region's file, for other days.

        Raises:
            AssertionError: a statement failed, or a check found something.
        """
        self.recording.replay(path, {was: day for was, day in zip(self.days, days_of(told), strict=True) if was})


def days_of(told: dict[str, Any]) -> list[str]:
    return [str(told.get(name) or "") for name in DAYS]


def key_of(path: Path, told: dict[str, Any], command: list[str]) -> Key:
    """What a build follows from, besides the rows: of its days only which there are, and which are the same."""
    days, state = days_of(told), f"{project.DBT_PROJECT} {project.digest_of_files()}"
    rules = json.dumps({name: value for name, value in told.items() if name not in DAYS}, default=str)
    # A day that a model or a rule says as well is not to be told from it; one alone is compared with experiments' days.
    is_said = any(day in rules or day in _sql(state) for day in days if day)
    compared = told.get("kept_through") if told.get("experiments") else None
    seen = [day if is_said or not day else str(days.index(day)) for day in days]
    return (state, *command, rules, compared, *seen, shape_of(path))


@cache
def _sql(_: str) -> str:
    return "".join(path.read_text() for path in project.DBT_PROJECT.rglob("*.sql"))


def build(
    real: Callable[..., Built], engine: OnDuckDB, settings: Settings, region: str, told: dict[str, Any],
    command: list[str], on_event: Callable[[Event], None],
) -> Built:  # fmt: skip
    """What the engine's `real` build does, replayed where it can be; where a check finds something, dbt builds."""
    path = settings.region_file(region)
    key = key_of(path, told, command)
    known = _made.get(key)
    if known and _is_made_again(known, path, told):
        for event in deepcopy(known.events):
            event["info"]["extra"]["ROMI_RUN_ID"] = run_log.run_id() or ""
            on_event(event)
        return deepcopy(known.built)
    events: list[Event] = []

    def hear(event: Event) -> None:
        events.append(deepcopy(event))
        on_event(event)

    with recording() as calls:
        built = real(engine, settings, region, told, [*command, "--threads", "1"], hear)
    if not built.failed_tests:
        _made.setdefault(key, Made(calls, days_of(told), deepcopy(built), events))
    return built


def _is_made_again(known: Made, path: Path, told: dict[str, Any]) -> bool:
    before = path.with_name(f"{path.name}.before")
    shutil.copyfile(path, before)
    try:
        known.again(path, told)
    except AssertionError:
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
        shutil.copyfile(before, path)
        return False
    finally:
        before.unlink()
    return True
