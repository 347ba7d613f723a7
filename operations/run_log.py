"""What a run does, as structured records, and the one id that it goes by in logs, Dagster, dbt and OpenLineage.

Records go nowhere until :func:`json_lines` is entered. Nothing in them is personal data, nor a value of the data.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import uuid4

from operations.progress import Step, listening

_logger = logging.getLogger("romi")
_logger.addHandler(logging.NullHandler())
_logger.setLevel(logging.INFO)
_logger.propagate = False
_ids: list[str] = []


@contextmanager
def run_of(known: str | None = None) -> Iterator[str]:
    """The body belongs to one run; yields its id, a UUID.

    Args:
        known: the id; without it that of the run under way, or a new one.
    """
    _ids.append(known or run_id() or str(uuid4()))
    try:
        yield _ids[-1]
    finally:
        _ids.pop()


def run_id() -> str | None:
    """The id of the run under way in this process."""
    return _ids[-1] if _ids else None


def tell(event: str, message: str, *, region: str | None = None, level: int = logging.INFO, **facts: Any) -> None:
    """Write a record.

    Args:
        event: the step or kind of event, in a word: ``ingest``, ``publish``, ``warning``.
        message: a line for people.
        region: None of what concerns all.
        facts: more of it, such as counts and ids.
    """
    _logger.log(level, message, extra={"event": event, "region": region, "facts": facts})


def is_json() -> bool:
    """Whether records are written now."""
    return any(isinstance(one.formatter, _JsonLine) for one in _logger.handlers)


@contextmanager
def json_lines(stream: TextIO | None = None) -> Iterator[None]:
    """Write records as JSON, one object a line, to standard error or `stream`, once."""
    if is_json():
        yield
        return
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLine())
    _logger.addHandler(handler)
    try:
        with listening(_steps()):
            yield
    finally:
        _logger.removeHandler(handler)


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = vars(record)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(), "run_id": run_id(), "region": facts["region"],
            "event": facts["event"], "message": record.getMessage(), **facts["facts"],
        }  # fmt: skip
        return json.dumps(line, default=str)


def _steps() -> Any:
    """A listener that writes a record when a step of long work begins, and when it ends."""
    begun: set[str] = set()

    def listen(step: Step) -> None:
        is_last = bool(step.total) and step.done == step.total
        if step.name in begun and not is_last:
            return
        begun.add(step.name)
        region, _, what = step.name.rpartition(": ")
        amount = f" {step.done:,} of {step.total:,} {step.detail}".rstrip() if step.total else ""
        tell(what.partition(" ")[0], f"{step.name}{amount}", region=region or None, done=step.done, total=step.total)

    return listen
