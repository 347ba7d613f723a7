"""What finance reads: an immutable version, built beside the old one and swapped in whole."""

import dagster as dg

from operations import publish, status
from operations.published_tables import FINANCE
from orchestration.automation import POOL
from orchestration.warehouse import Warehouse


@dg.asset(
    key=["published", "marts"],
    deps=[
        dg.AssetDep(dg.AssetKey(key), partition_mapping=dg.AllPartitionMapping())
        for key in (*[["finance", table.name] for table in FINANCE], ["released", "channel_monthly"])
    ],
    group_name="published",
    kinds={"duckdb", "parquet"},
    owners=["team:finance-analytics"],
    pool=POOL,
    check_specs=[
        dg.AssetCheckSpec(
            "nothing_withheld",
            asset=["published", "marts"],
            description="Every day of every region is published as last rebuilt; what is not stands with its last good"
            " rows, and the metadata says which regions and days.",
        )
    ],
)
def marts(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """`published/marts.duckdb`: the regions' finance tables, audited, and what they mean."""
    with warehouse.writing(context) as settings:
        publication = publish.publish(settings)
        withheld = {one["region"]: one["withheld"] for one in status.refresh(settings) if one["withheld"]}
    facts = {f"rows/{table}": rows for table, rows in publication.rows.items()} if publication else {}
    return dg.MaterializeResult(
        metadata={"is_new_version": publication is not None, **facts},
        check_results=[
            dg.AssetCheckResult(
                check_name="nothing_withheld",
                passed=not withheld,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=withheld,
            )
        ],
    )
