"""The warehouse as a Dagster resource: its settings, and the right to write it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from operations import run_log
from operations.store.migrations import on_present_format
from orchestration.automation import only_what_may_pass_is_retried
from settings import Settings, load_settings

RUN_ID = "romi/run_id"  # the tag of Dagster's runs that one command started


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
        with (
            self._logging(context),
            only_what_may_pass_is_retried(context.op_execution_context.retry_number),
            on_present_format(self.settings),
        ):
            yield self.settings

    @contextmanager
    def _logging(self, context: dg.AssetExecutionContext) -> Iterator[None]:
        """Records of the body bear the id of the command that started the run, or else that of Dagster's run."""
        with ExitStack() as stack:
            stack.enter_context(run_log.run_of(context.run.tags.get(RUN_ID, context.run_id)))
            if self.settings.monitoring.logs == "json":
                stack.enter_context(run_log.json_lines())
            yield
