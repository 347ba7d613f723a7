"""What anyone may read: drawn once for each region and month, under differential privacy."""

import dagster as dg

from operations.dp_release.releases import release_due
from operations.publishing.region_marts import RegionLateError
from orchestration.automation import POOL
from orchestration.checks import result, spec
from orchestration.partitions import regions
from orchestration.warehouse import Warehouse

_KEY = ["released", "channel_monthly"]
_BUDGET = spec(
    _KEY, "budget_holds",
    "Every month that is due was drawn within its budget of epsilon.",
    "a correction did not fit and is left out, and the first release stands: look into the region's budget book.",
    regions,
)  # fmt: skip


@dg.asset(
    key=_KEY,
    deps=[
        dg.AssetDep(["intermediate", "int_attribution__touch_credits"], partition_mapping=dg.AllPartitionMapping()),
        dg.AssetDep(["finance", "reconciliation_daily"], partition_mapping=dg.AllPartitionMapping()),
    ],
    partitions_def=regions,
    group_name="released",
    kinds={"python"},
    owners=["team:finance-analytics"],
    pool=POOL,
    check_specs=[_BUDGET],
)
def channel_monthly(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """A region's months that are over and settled, and corrections of those that are final, from its budget book."""
    with warehouse.writing(context) as settings:
        try:
            outcome = release_due(settings, context.partition_key)
        except RegionLateError as error:
            raise dg.Failure(f"{context.partition_key}: {error.reason}", allow_retries=error.is_passing) from error
    return dg.MaterializeResult(
        metadata={"drawn": [f"{month:%Y-%m} {kind}" for month, kind in outcome.drawn]},
        check_results=[
            result(_KEY, _BUDGET.name, {f"{month:%Y-%m}": why for month, why in outcome.refused.items()}, warns=True)
        ],
    )
