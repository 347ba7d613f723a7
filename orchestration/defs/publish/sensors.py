"""The prober, for those who have Dagster's daemon running and no timer of their own."""

import dagster as dg

from operations.service_levels.probe import probe
from orchestration.automation import described
from orchestration.warehouse import Warehouse


@described(dg.sensor, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.STOPPED)
def availability(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SkipReason:
    """Every minute, read what is published as finance does and book whether it was there. It starts no run."""
    found = probe(warehouse.settings)
    return dg.SkipReason(
        f"version {found.version} read in {found.ms:.0f} ms" if found.ok else f"not there: {found.reason}"
    )
