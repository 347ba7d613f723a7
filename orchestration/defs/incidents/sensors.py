"""Incidents of runs that Dagster starts, and who is told of them: open-source Dagster has no alerts of its own."""

import dagster as dg

from operations.incidents import escalation, of_run
from orchestration.automation import described
from orchestration.failures import cause_of, was_ended
from orchestration.lineage import tell_ended
from orchestration.warehouse import Warehouse

_WILL_RETRY = "dagster/will_retry"
_OURS = "romi/run"  # `romi run` reports its own


@described(dg.run_failure_sensor, default_status=dg.DefaultSensorStatus.RUNNING)
def failed_runs(context: dg.RunFailureSensorContext, warehouse: Warehouse) -> dg.SkipReason:
    """Opens an incident for the root cause of a run that failed and is not tried again."""
    run = context.dagster_run
    if run.tags.get(_WILL_RETRY) == "true" or _OURS in run.tags:
        return dg.SkipReason("it is tried again, or reports itself")
    text, error_class = cause = cause_of(context.get_step_failure_events())
    if was_ended(cause):
        return dg.SkipReason("somebody ended it: the next one goes on")
    unsent = _tell_ended(context, warehouse, (text, error_class))
    changes = of_run.of_job(warehouse.settings, run.job_name, _region(run), run.run_id, text, error_class)
    return dg.SkipReason("; ".join([*changes.lines, *escalation.tick(warehouse.settings), *unsent]) or "known already")


@described(dg.run_status_sensor, run_status=dg.DagsterRunStatus.SUCCESS, default_status=dg.DefaultSensorStatus.RUNNING)
def finished_runs(context: dg.RunStatusSensorContext, warehouse: Warehouse) -> dg.SkipReason:
    """Closes what the same job had failed at in the same region, and looks at what is withheld or corrupt now."""
    run = context.dagster_run
    if _OURS in run.tags:
        return dg.SkipReason("it reports itself")
    unsent = _tell_ended(context, warehouse)
    changes = of_run.of_job(warehouse.settings, run.job_name, _region(run), run.run_id)
    return dg.SkipReason(
        "; ".join([*changes.lines, *escalation.tick(warehouse.settings), *unsent]) or "nothing changed"
    )


@described(dg.sensor, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def notices(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SkipReason:
    """Every minute, tells whoever is due by the ladder of `incidents` in romi.yaml. It starts no run."""
    return dg.SkipReason("; ".join(escalation.tick(warehouse.settings)) or "nobody is due to be told")


def _tell_ended(
    context: dg.RunStatusSensorContext, warehouse: Warehouse, failure: tuple[str, str | None] | None = None
) -> list[str]:
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    return tell_ended(warehouse.settings, record, _region(context.dagster_run), failure) if record else []


def _region(run: dg.DagsterRun) -> str | None:
    """The region of a run's partition, or of its range of days; None of what concerns all."""
    key = run.tags.get("dagster/partition") or run.tags.get("dagster/asset_partition_range_start")
    return key.rpartition("|")[2] if key else None
