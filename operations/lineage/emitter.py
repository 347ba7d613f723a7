"""OpenLineage events, to a file or an endpoint: what cannot be sent is counted and said, and fails nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any, Literal

from operations.lineage.datasets import Dataset
from settings import Settings, now
from settings.durable import append_durably

KEY = "ROMI_OPENLINEAGE_KEY"  # the variable that holds the endpoint's API key, where it asks for one
_RELEASE = version("romi-warehouse")
_PRODUCER = f"urn:romi-warehouse:{_RELEASE}"
_TIMEOUT = 5  # seconds
State = Literal["START", "COMPLETE", "FAIL"]
Named = tuple[str, str]  # a run's id and the name of its job


@dataclass
class Emitter:
    """Sends events where `monitoring.openlineage` says, if anywhere. After one that fails it tries no other."""

    settings: Settings
    problem: str | None = None
    unsent: int = 0

    @property
    def is_on(self) -> bool:
        return self.settings.monitoring.openlineage is not None

    @property
    def namespace(self) -> str:
        """Of jobs and tables."""
        return self.settings.monitoring.openlineage.namespace if self.settings.monitoring.openlineage else ""

    def emit(
        self, state: State, run: Named, *, parent: Named | None = None, inputs: Iterable[Dataset] = (),
        outputs: Iterable[Dataset] = (), error: str | None = None, at: datetime | None = None,
    ) -> None:  # fmt: skip
        """Send an event.

        Args:
            run: the run's id, a UUID, and its job.
            parent: the run that started it.
            inputs: asked for once, and only where events are sent; an error in it counts as one of sending.
            outputs: likewise.
            error: what it failed at; nothing personal.
            at: when; now, if not told.
        """
        if not self.is_on:
            return
        if self.problem is None:
            try:
                self._send(_event(self.namespace, state, run, parent, [*inputs], [*outputs], error, at or now()))
            except Exception as failure:  # whatever it is: a run does not fail for it
                self.problem = _in_words(failure)
        self.unsent += self.problem is not None

    def warning(self) -> str | None:
        """What is to be said of events that were not sent."""
        if self.problem is None or not (place := self.settings.monitoring.openlineage):
            return None
        count = "1 event of OpenLineage was" if self.unsent == 1 else f"{self.unsent} events of OpenLineage were"
        return f"{count} not sent to {place.url or place.file}: {self.problem}; figures do not depend on them"

    def _send(self, event: Any) -> None:
        from openlineage.client.serde import Serde

        place = self.settings.monitoring.openlineage
        if place and place.file:
            append_durably(place.file, Serde.to_json(event))
        else:
            self._endpoint.emit(event)

    @cached_property
    def _endpoint(self) -> Any:
        from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

        place, key = self.settings.monitoring.openlineage, os.environ.get(KEY)
        auth = ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({})
        return HttpTransport(HttpConfig(url=str(place and place.url), timeout=_TIMEOUT, retry={"total": 0}, auth=auth))


def _in_words(error: Exception) -> str:
    """The answer's status, what the machine says, or the kind of error: texts may quote more than is to be told."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"HTTP {status}" if status else getattr(error, "strerror", None) or type(error).__name__


def _event(
    namespace: str, state: State, run: Named, parent: Named | None, inputs: list[Dataset], outputs: list[Dataset],
    error: str | None, at: datetime,
) -> Any:  # fmt: skip
    from openlineage.client import event_v2, facet_v2

    facet_v2.set_producer(_PRODUCER)
    facets: dict[str, Any] = {
        "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet(
            version=_RELEASE, name="romi-warehouse"
        )
    }
    if parent:
        of_parent = facet_v2.parent_run
        facets["parent"] = of_parent.ParentRunFacet(
            run=of_parent.Run(runId=parent[0]), job=of_parent.Job(namespace=namespace, name=parent[1])
        )
    if error:
        facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(
            message=error, programmingLanguage="PYTHON"
        )
    kind = facet_v2.job_type_job.JobTypeJobFacet(
        processingType="BATCH", integration="ROMI", jobType="TASK" if parent else "DAG"
    )
    return event_v2.RunEvent(
        eventType=event_v2.RunState[state], eventTime=at.isoformat(), producer=_PRODUCER,
        run=event_v2.Run(runId=run[0], facets=facets),
        job=event_v2.Job(namespace=namespace, name=run[1], facets={"jobType": kind}),
        inputs=[event_v2.InputDataset(one.namespace, one.name) for one in inputs],
        outputs=[_output(one) for one in outputs],
    )  # fmt: skip


def _output(one: Dataset) -> Any:
    from openlineage.client import event_v2, facet_v2

    facets: dict[str, Any] = {}
    if one.columns:
        of_schema = facet_v2.schema_dataset
        fields = [of_schema.SchemaDatasetFacetFields(name=name, type=kind) for name, kind in one.columns]
        facets["schema"] = of_schema.SchemaDatasetFacet(fields=fields)
    if one.version is not None:
        facets["version"] = facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet(str(one.version))
    counted: dict[str, Any] = {}
    if one.rows is not None:
        statistics = facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=one.rows)
        counted["outputStatistics"] = statistics
    return event_v2.OutputDataset(one.namespace, one.name, facets=facets, outputFacets=counted)
