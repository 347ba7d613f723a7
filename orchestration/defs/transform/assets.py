"""dbt's models and tests, by region and day."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from operations.progress import Step, report
from operations.rebuilding import rebuild
from operations.rebuilding.engine import Event, engine_of, manifest
from orchestration.automation import POOL
from orchestration.partitions import window_of
from orchestration.translator import Translator
from orchestration.warehouse import Warehouse

_TRANSLATOR = Translator()
_MANIFEST = manifest()
_NODES = sum(
    node["resource_type"] in ("model", "seed", "test") and node["config"]["materialized"] != "ephemeral"
    for node in _MANIFEST["nodes"].values()
)


@dbt_assets(
    manifest=_MANIFEST,
    dagster_dbt_translator=_TRANSLATOR,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool=POOL,
)
def models(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
    if not context.has_partition_key_range and not context.has_partition_key:
        raise dg.Failure("choose days of one region: every table here is built with them", allow_retries=False)
    region, first, last = window_of(context.partition_keys)
    chosen = sorted(key.path[-1] for key in context.selected_asset_keys) if context.is_subset else []
    events: list[Event] = []
    with warehouse.writing(context) as settings:
        first, last = rebuild.begin(settings, region, first, last)

        def hear(event: Event) -> None:
            events.append(event)
            report(Step(f"{region}: transform {first} to {last}", len(events), _NODES, "models and tests"))

        try:
            built = engine_of(settings).build(settings, region, first, last, chosen, hear)
        finally:
            for event in events:
                yield from DbtCoreCliEventMessage(raw_event=event, event_history_metadata={}).to_default_asset_events(
                    manifest=_MANIFEST, dagster_dbt_translator=_TRANSLATOR, context=context
                )
        rebuild.mark_built(settings, region, first, last, built.failed_tests)
