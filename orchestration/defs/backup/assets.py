"""Backups on a schedule, each restored once on trial."""

from typing import Any

import dagster as dg

from operations.backups.backup_book import is_due
from operations.backups.verified_backup import back_up_and_try
from operations.incidents.findings import Kind
from orchestration.automation import POOL, described
from orchestration.checks import runbook
from orchestration.warehouse import Warehouse
from settings import RomiError

_KEY = dg.AssetKey(["ops", "backup"])


@dg.asset(
    key=_KEY,
    group_name="ops",
    kinds={"python"},
    owners=["team:data-platform"],
    pool=POOL,
    check_specs=[
        dg.AssetCheckSpec(
            "backup_comes_back",
            asset=_KEY,
            description="The backup was made, restored on trial, compared with what was backed up and read as finance"
            " does."
            " If it fails, there is no way back to this moment: look at the disk of the backups, and back up again.",
        )
    ],
)
def backup(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """A copy of the warehouse, consistent, restored once on trial; the keys are not in it."""
    check = dg.AssetCheckResult(check_name="backup_comes_back", passed=False)
    try:
        with warehouse.writing(context) as settings:
            done = back_up_and_try(settings)
    except dg.Failure as failure:
        if isinstance(failure.__cause__, RomiError):
            problem = {"problem": dg.MetadataValue.text(str(failure.__cause__))}
            return dg.MaterializeResult(
                check_results=[check._replace(metadata={**problem, **runbook(warehouse.settings, Kind.BACKUP_FAILED)})]
            )
        raise
    facts: dict[str, Any] = {
        "folder": done.folder, "bytes": done.bytes, "seconds": done.seconds,
        "recovery_seconds": done.recovery_seconds, "recovery_point": dg.MetadataValue.json(done.recovery_point),
    }  # fmt: skip
    return dg.MaterializeResult(metadata=facts, check_results=[check._replace(passed=True)])


backup_job = dg.define_asset_job("backup", selection=dg.AssetSelection.assets(_KEY),
                                 description="Back up the warehouse, and restore the backup on trial.")  # fmt: skip


def default_status() -> dg.DefaultScheduleStatus:
    """On where `backup.every_hours` is configured; a schedule that would never have anything to do is shown as off."""
    try:
        is_configured = Warehouse().settings.backup.every_hours is not None
    except RomiError:  # whoever starts a run is told what is wrong with romi.yaml
        is_configured = False
    return dg.DefaultScheduleStatus.RUNNING if is_configured else dg.DefaultScheduleStatus.STOPPED


@described(dg.schedule, job=backup_job, cron_schedule="20 * * * *", default_status=default_status())
def backups(context: dg.ScheduleEvaluationContext, warehouse: Warehouse) -> dg.RunRequest | dg.SkipReason:
    """Every hour, a backup if the last good one is older than `backup.every_hours`; without that key, none."""
    settings = warehouse.settings
    if settings.backup.every_hours is None:
        return dg.SkipReason("backup.every_hours is not configured")
    return dg.RunRequest() if is_due(settings) else dg.SkipReason("the last backup is young enough")
