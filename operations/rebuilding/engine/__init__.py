"""The engine that builds the models: the one place that knows dbt, behind an interface that says what it gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

from operations.rebuilding.engine.built import Built, Event
from operations.rebuilding.engine.errors import ModelError
from operations.rebuilding.engine.graph import Graph
from operations.rebuilding.engine.project import DBT_PROJECT, manifest
from settings import Settings

__all__ = ["DBT_PROJECT", "Built", "Engine", "Event", "Graph", "ModelError", "engine_of", "manifest"]


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
            chosen: names of models and seeds, if not all; what they need that only lives as long as a build is built
                with them.
            on_event: called with dbt's structured result events as they come.

        Raises:
            ModelError: a model failed, and what depends on it was not built; or a test could not be run.
        """

    def compiled(self, told: dict[str, Any]) -> dict[str, list[str]]:
        """The statements of each model in SQL, with its hooks, in a region where every table exists.

        Args:
            told: variables that are not to have their defaults.

        Raises:
            ModelError: a model cannot be compiled.
        """

    def shapes(self) -> dict[str, dict[str, str]]:
        """The columns, with their types, of each table that the models make of a region in which nothing has landed.

        Raises:
            ModelError: a model cannot be built.
        """


def engine_of(settings: Settings) -> Engine:
    """The engine of a warehouse, as it is configured."""
    if settings.engine == "spark":
        from operations.rebuilding.engine.on_spark import OnSpark

        return OnSpark()
    from operations.rebuilding.engine.on_duckdb import OnDuckDB

    return OnDuckDB()
