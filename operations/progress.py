"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A unit of long work: `done` of `total` in `unit`; `total` 0 where it is not known."""

    name: str
    done: int = 0
    total: int = 0
    detail: str = ""


_listeners: list[Callable[[Step], None]] = []


def report(step: Step) -> None:
    for listener in _listeners:
        listener(step)


@contextmanager
def listening(listener: Callable[[Step], None]) -> Iterator[None]:
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
