"""The pipeline's runs: ingest a region, rebuild its days, publish; and what starts them by themselves."""

import json
from datetime import timedelta

import dagster as dg

from ingestion import landing
from operations import status
from operations.recovery import look
from orchestration.automation import URGENT, described, older
from orchestration.partitions import range_tags, regions
from orchestration.selection import rebuild_of
from orchestration.table_facts import backlog_seen
from orchestration.warehouse import Warehouse
from settings import now

_PARTITION = "dagster/partition"
_UNDER_WAY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
              dg.DagsterRunStatus.STARTED]  # fmt: skip

ingest = dg.define_asset_job("ingest", selection=dg.AssetSelection.groups("raw"),
                             description="Load what is new in a region's landing zone.")  # fmt: skip
rebuild = dg.define_asset_job(
    "rebuild",
    selection=dg.AssetSelection.groups("staging", "intermediate", "finance"),
    description="Rebuild days of one region, and reconcile them; the job for backfills.",
)
publish = dg.define_asset_job("publish", selection=dg.AssetSelection.groups("published"),
                              description="Publish what is settled as a new version.")  # fmt: skip


@described(dg.schedule, job=ingest, cron_schedule="15 3 * * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def daily(context: dg.ScheduleEvaluationContext, warehouse: Warehouse) -> list[dg.RunRequest]:
    """Every night, ingest each region; the two sensors take it from there."""
    names = landing.regions(warehouse.settings)
    context.instance.add_dynamic_partitions(str(regions.name), names)
    return [dg.RunRequest(partition_key=name) for name in names]


@described(dg.sensor, job=ingest, minimum_interval_seconds=60)
def backlog(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult:
    """Load what has landed, a run for each region that has none under way; one that failed, an hour later.

    It lists the landing zone and opens no database. Whenever what waits has changed, it keeps a line of the history and
    observations of `raw/events` and `ops/backlog_history`, whose numbers the UI plots.
    """
    settings, known = warehouse.settings, json.loads(context.cursor or "{}")
    names = landing.regions(settings)
    context.instance.add_dynamic_partitions(str(regions.name), names)
    requests, seen = [], []
    for name in names:
        found = look.look(settings, name, known.get(name))
        known[name] = found.cursor
        seen += [_observed(name, found), backlog_seen(name, found.topics)] if found.topics else []
        if found.is_waiting and not _is_under_way(context.instance, name):
            key = f"{name}|{found.digest}|{now():%Y-%m-%d %H}"
            requests.append(dg.RunRequest(run_key=key, tags={**URGENT, _PARTITION: name}))
    skipped = None if requests else "nothing new has landed, or it is being loaded"
    return dg.SensorResult(requests, skip_reason=skipped, cursor=json.dumps(known), asset_events=seen)


def _observed(region: str, found: look.Look) -> dg.AssetObservation:
    """The depth as Dagster plots it over time, beside the asset that it waits for."""
    sums = {name: sum(one[name] for one in found.topics.values()) for name in ("archives", "records", "bytes")}
    ages = [one["oldest_age_seconds"] or 0 for one in found.topics.values()]
    facts = {f"backlog_{name}": amount for name, amount in sums.items()}
    by_topic = {topic: one["records"] for topic, one in found.topics.items()}
    return dg.AssetObservation(
        asset_key=dg.AssetKey(["raw", "events"]), partition=region,
        metadata={**facts, "backlog_oldest_hours": round(max(ages) / 3600, 2),
                  "backlog_by_topic": dg.MetadataValue.json(by_topic)},
    )  # fmt: skip


def _is_under_way(instance: dg.DagsterInstance, region: str) -> bool:
    """Whether a load of the region waits or runs: it takes what has landed by the time that it begins."""
    tags = {_PARTITION: region}
    return bool(instance.get_run_ids(dg.RunsFilter(job_name=ingest.name, statuses=_UNDER_WAY, tags=tags), limit=1))


@described(dg.sensor, job=rebuild, minimum_interval_seconds=60)
def pending_days(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> list[dg.RunRequest] | dg.SkipReason:
    """Rebuild the days that a load left pending, a run for each window; one that failed, an hour later.

    The newest window of each region goes first, the others follow in ascending order; what the newest read of them is
    then rebuilt once more, as the next request.
    """
    requests = [
        dg.RunRequest(
            run_key=f"{one['region']}|{first}|{last}|{one['news']}|{now():%Y-%m-%d %H}",
            tags={**range_tags(one["region"], first, last), **(URGENT if place == newest else older(place))},
            asset_selection=None if tables is None else rebuild_of(tables),
        )
        for one in status.snapshots(warehouse.settings)
        for newest in [len(one["pending"]) - 1]
        for place, ((first, last), tables) in enumerate(
            zip(status.windows(one), status.pending_tables(one), strict=True)
        )
    ]
    return requests or dg.SkipReason("no day is pending")


@described(dg.sensor, job=publish, minimum_interval_seconds=60)
def settled_regions(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.RunRequest | dg.SkipReason:
    """Publish what is settled, region by region: pending days stand as last published; what failed, the next day.

    A region of which only older days are pending is published: its newest days need not wait for them.
    """
    recent = now().date() - timedelta(days=2)
    snapshots = [
        one for one in status.snapshots(warehouse.settings)
        if one["build"] and all(last < recent for _, last in status.windows(one))
    ]  # fmt: skip
    if not snapshots:
        return dg.SkipReason("no region is built, or all have days pending")
    builds = "|".join(f"{one['region']}:{one['build']}" for one in snapshots)
    return dg.RunRequest(run_key=f"{builds}|{now():%Y-%m-%d}", tags=URGENT)
