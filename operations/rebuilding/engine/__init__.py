"""The engine that builds the models: the one place that knows dbt, behind an interface that says what it gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

from operations.rebuilding.engine.built import Built, Event
from operations.rebuilding.engine.errors import ModelError
from operations.rebuilding.engine.project import DBT_PROJECT, manifest
from settings import Settings

__all__ = ["DBT_PROJECT", "Built", "Engine", "Event", "ModelError", "engine_of", "manifest"]


class Engine(Protocol):
    """What builds a region's models."""

    def build(
        self,
        settings: Settings,
        region: str,
        first: date,
        last: date,
        chosen: list[str] | None = None,
        on_event: Callable[[Event], None] = ...,
    ) -> Built:
        """Rebuild a region's models for the days `first` to `last`, and run their tests.

        A test that fails holds back no model: whoever settles the days withholds them, and has the tables to judge by.

        Args:
            chosen: names of models, if not all.
            on_event: called with dbt's structured result events as they come.

        Raises:
            ModelError: a model failed, and what depends on it was not built; or a test could not be run.
        """

    def compiled(self, told: dict[str, Any]) -> dict[str, str]:
        """What each model that is stored comes to as SQL, with its hooks, in a region where every table exists.

        Args:
            told: variables that are not to have their defaults.

        Raises:
            ModelError: a model cannot be compiled.
        """


def engine_of(settings: Settings) -> Engine:
    """The engine of a warehouse."""
    from operations.rebuilding.engine.on_duckdb import OnDuckDB

    return OnDuckDB()
