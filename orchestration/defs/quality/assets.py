"""The judgement on what was rebuilt: reconciled with the ledger, each day is settled or withheld."""

import dagster as dg

from operations import rebuild, status
from operations.published_tables import FINANCE
from orchestration.automation import POOL
from orchestration.partitions import region_days, window_of
from orchestration.warehouse import Warehouse


@dg.asset(
    key=["finance", "reconciliation_daily"],
    deps=[dg.AssetKey(["finance", table.name]) for table in FINANCE if table.name != "reconciliation_daily"],
    partitions_def=region_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="finance",
    kinds={"duckdb", "python"},
    owners=["team:finance-analytics"],
    pool=POOL,
    check_specs=[
        dg.AssetCheckSpec(
            "days_can_be_published",
            asset=["finance", "reconciliation_daily"],
            description="Every rebuilt day conserves money, agrees with the ledger and has its rates. A day that does"
            " not is withheld: readers keep its last good rows. The metadata names the days and why.",
        )
    ],
)
def reconciliation_daily(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """The warehouse against the landed ledger, order by order, by code that shares nothing with the models."""
    region, first, last = window_of(list(context.partition_keys))
    with warehouse.writing(context) as settings:
        withheld = rebuild.settle(settings, region, first, last)
        status.refresh(settings)
    return dg.MaterializeResult(
        metadata={"withheld_days": len(withheld)},
        check_results=[
            dg.AssetCheckResult(
                check_name="days_can_be_published",
                passed=not withheld,
                metadata={str(day): reason for day, reason in sorted(withheld.items())[:50]},
            )
        ],
    )
