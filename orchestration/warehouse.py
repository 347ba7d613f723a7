"""The warehouse as a Dagster resource: its settings, and the right to write it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from operations.store.migrations import on_present_format
from orchestration.automation import only_what_may_pass_is_retried
from settings import Settings, load_settings


class Warehouse(dg.ConfigurableResource):
    """Where the warehouse and its landing zone are; what is left out comes from ``romi.yaml``."""

    config: str | None = None
    landing: str | None = None
    warehouse: str | None = None
    _settings: Settings | None = PrivateAttr(default=None)

    @property
    def settings(self) -> Settings:
        if self._settings is None:
            path = Path(self.config) if self.config else None
            self._settings = load_settings(path, landing=self.landing, warehouse=self.warehouse)
        return self._settings

    @contextmanager
    def writing(self, context: dg.AssetExecutionContext) -> Iterator[Settings]:
        """Hold the warehouse while the body runs; a run of another process waits."""
        with only_what_may_pass_is_retried(context.op_execution_context.retry_number), on_present_format(self.settings):
            yield self.settings
