"""dbt's models and tests, by region and day."""

from collections.abc import Callable, Iterator
from datetime import date
from logging import INFO, WARNING
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from operations import run_log
from operations.incidents.findings import Kind
from operations.progress import Step, report
from operations.rebuilding import rebuild
from operations.rebuilding.engine import Event, manifest
from operations.rebuilding.rebuild import Asked
from operations.recovery import history
from operations.store.memory.keeping import refuse_lost_state
from orchestration.at_hand import windows_at_hand
from orchestration.automation import POOL
from orchestration.checks import runbook
from orchestration.partition_checks import spread
from orchestration.table_facts import add_facts
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
    asked, heard = _asked(context), _Heard()
    with warehouse.writing(context) as settings:
        for region in {key.rpartition("|")[2] for key in context.partition_keys}:
            refuse_lost_state(settings, region, loads=False)
        windows = windows_at_hand(context, settings)
        try:
            for region, first, last in windows:
                with history.timed(settings, "rebuild", region) as amounts:
                    built = rebuild.build(settings, region, first, last, asked, heard.window(region))
                    amounts["days"] = (built[1] - built[0]).days + 1
            add_facts(context, settings, windows)
        except BaseException:
            if len(windows) > 1:  # what of them was built, no event can say
                heard.events.clear()
            raise
        finally:
            yield from _told(context, heard, runbook(settings, Kind.WITHHELD))
            spread(context)


class _Heard:
    """What dbt said of each node: of several windows the last, but for a test that failed in any."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def window(self, region: str) -> Callable[[date, date, Event], None]:
        """What to call with the events of a window's build."""
        count = 0

        def hear(first: date, last: date, event: Event) -> None:
            nonlocal count
            count += 1
            report(Step(f"{region}: transform {first} to {last}", count, _NODES, "models and tests"))
            node = event["data"]["node_info"]["unique_id"]
            _log(region, count, event)
            if self.events.get(node, {}).get("data", {}).get("status") != "fail":
                self.events[node] = event

        return hear


def _log(region: str, count: int, event: Event) -> None:
    """The first node of a build, which says by which id dbt knows it, and those that failed."""
    node, status = event["data"]["node_info"]["unique_id"], event["data"]["status"]
    has_failed = status in ("fail", "error")
    if count == 1 or has_failed:
        run_log.tell("dbt", f"{node} {status}", region=region, level=WARNING if has_failed else INFO,
                     dbt_invocation_id=event["info"]["invocation_id"])  # fmt: skip


def _asked(context: dg.AssetExecutionContext) -> Asked | None:
    """What the run selects of the models and their checks, if not all."""
    if not context.is_subset:
        return None
    tables = frozenset(key.path[-1] for key in context.selected_asset_keys)
    return Asked(tables, frozenset(key.name for key in context.selected_asset_check_keys))


def _told(
    context: dg.AssetExecutionContext, heard: _Heard, if_failed: dict[str, dg.MetadataValue[str]]
) -> Iterator[Any]:
    """dbt's events as Dagster's, of what the run selects: more is built with it, which Dagster does not expect.

    A test that failed has `if_failed` in its metadata as well.
    """
    selected = context.op_execution_context.selected_output_names
    for event in heard.events.values():
        message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
        for one in message.to_default_asset_events(
            manifest=_MANIFEST, dagster_dbt_translator=_TRANSLATOR, context=context
        ):
            if isinstance(one, dg.AssetCheckResult):
                yield one if one.passed else one._replace(metadata={**(one.metadata or {}), **if_failed})
            elif isinstance(one, dg.Output) and one.output_name in selected:
                yield one
