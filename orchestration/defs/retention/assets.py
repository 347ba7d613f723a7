"""Retention: what is past its period goes, every day, and a check looks for what is left anywhere."""

from datetime import timedelta
from functools import partial

import dagster as dg

from operations.incidents.findings import Kind
from operations.retention import retention
from orchestration.automation import POOL
from orchestration.checks import result, runbook, spec
from orchestration.logs import old_logs
from orchestration.warehouse import Warehouse

_KEY = ["ops", "retention"]
_OVERDUE = spec(
    _KEY, "nothing_overdue",
    "No row, folder or log anywhere is past the period of its class.",
    "the metadata names what is: days that wait for their rebuild keep their rows until then, so run that first.",
)  # fmt: skip


@dg.asset(
    key=_KEY,
    group_name="ops",
    kinds={"duckdb", "python"},
    owners=["team:data-platform"],
    pool=POOL,
    check_specs=[_OVERDUE],
)
def disposal(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """Every class of data past its period, disposed of and booked; finance keeps what it has."""
    with warehouse.writing(context) as settings:
        logs = partial(old_logs, settings, context.instance)
        done = retention.apply(settings, logs)
        overdue = retention.find_overdue(settings, logs, timedelta(0))
    if done.failures:
        raise dg.Failure(f"not disposed of: {done.failures}", allow_retries=False)
    return dg.MaterializeResult(
        metadata={
            **{f"{one.where}/{one.what}": one.count for one in done.disposed},
            "landing_zone": dg.MetadataValue.json(done.landing),
        },
        check_results=[result(_KEY, _OVERDUE.name, overdue, runbook=runbook(settings, Kind.FAILED_RUN))],
    )


retention_job = dg.define_asset_job("retention", selection=dg.AssetSelection.assets(dg.AssetKey(_KEY)),
                                    description="Dispose of what is past its period, and book it.")  # fmt: skip
daily_retention = dg.ScheduleDefinition(
    name="daily_retention",
    description="Every morning, dispose of what is past its period.",
    job=retention_job,
    cron_schedule="45 4 * * *",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
