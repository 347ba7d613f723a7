"""What starts a release: every day, since a month is due when its input is, and a day with nothing due does nothing."""

import dagster as dg

from operations import status
from orchestration.automation import described
from orchestration.warehouse import Warehouse

release = dg.define_asset_job(
    "release",
    selection=dg.AssetSelection.groups("released"),
    description="Draw the months of a region that are due, under differential privacy; each is drawn once.",
)


@described(dg.schedule, job=release, cron_schedule="45 5 * * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def daily_release(context: dg.ScheduleEvaluationContext, warehouse: Warehouse) -> list[dg.RunRequest]:
    """Every morning, draw the months that are due, a run for each region that is built."""
    return [dg.RunRequest(partition_key=one["region"]) for one in status.snapshots(warehouse.settings) if one["build"]]
