"""The pipeline's runs: ingest a region, rebuild its days, publish; and what starts them by themselves."""

import dagster as dg

from ingestion import landing
from operations import status
from orchestration.partitions import range_tags, regions
from orchestration.selection import rebuild_of
from orchestration.warehouse import Warehouse
from settings import now

ingest = dg.define_asset_job("ingest", selection=dg.AssetSelection.groups("raw"),
                             description="Load what is new in a region's landing zone.")  # fmt: skip
rebuild = dg.define_asset_job(
    "rebuild",
    selection=dg.AssetSelection.groups("staging", "intermediate", "finance"),
    description="Rebuild days of one region, and reconcile them; the job for backfills.",
)
publish = dg.define_asset_job("publish", selection=dg.AssetSelection.groups("published"),
                              description="Publish what is settled as a new version.")  # fmt: skip


@dg.schedule(job=ingest, cron_schedule="15 3 * * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def daily(context: dg.ScheduleEvaluationContext, warehouse: Warehouse) -> list[dg.RunRequest]:
    """Every night, ingest each region; the two sensors take it from there."""
    names = landing.regions(warehouse.settings)
    context.instance.add_dynamic_partitions(str(regions.name), names)
    return [dg.RunRequest(partition_key=name) for name in names]


@dg.sensor(job=rebuild, minimum_interval_seconds=60)
def pending_days(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> list[dg.RunRequest] | dg.SkipReason:
    """Rebuild the days that a load left pending, a run for each window; one that failed, an hour later."""
    requests = [
        dg.RunRequest(
            run_key=f"{one['region']}|{first}|{last}|{one['news']}|{now():%Y-%m-%d %H}",
            tags=range_tags(one["region"], first, last),
            asset_selection=None if tables is None else rebuild_of(tables),
        )
        for one in status.snapshots(warehouse.settings)
        for (first, last), tables in zip(status.windows(one), status.pending_tables(one), strict=True)
    ]
    return requests or dg.SkipReason("no day is pending")


@dg.sensor(job=publish, minimum_interval_seconds=60)
def settled_regions(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.RunRequest | dg.SkipReason:
    """Publish what is settled, region by region: pending days stand as last published; what failed, the next day."""
    snapshots = [one for one in status.snapshots(warehouse.settings) if one["build"] and not one["pending"]]
    if not snapshots:
        return dg.SkipReason("no region is built, or all have days pending")
    builds = "|".join(f"{one['region']}:{one['build']}" for one in snapshots)
    return dg.RunRequest(run_key=f"{builds}|{now():%Y-%m-%d}")
