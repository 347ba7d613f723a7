"""What finance reads: an immutable version, built beside the old one and swapped in whole."""

import dagster as dg

from operations import publish, status
from operations.published_tables import FINANCE
from orchestration.automation import POOL
from orchestration.checks import result, spec
from orchestration.warehouse import Warehouse

_KEY = ["published", "marts"]
_WITHHELD = spec(
    _KEY, "nothing_withheld",
    "Every day of every region is published as last rebuilt.",
    "the days that the metadata names stand with their last good rows, and it says why: mend that and run again.",
)  # fmt: skip
_LEVELS = spec(
    _KEY, "service_levels_hold",
    "Accuracy, books, event match, freshness, latency and availability keep what slo in romi.yaml promises.",
    "an error budget burns too fast, page before ticket: look at the days of the service level in finance.slo_daily.",
)  # fmt: skip


@dg.asset(
    key=_KEY,
    deps=[
        dg.AssetDep(dg.AssetKey(key), partition_mapping=dg.AllPartitionMapping())
        for key in (*[["finance", table.name] for table in FINANCE], ["released", "channel_monthly"])
    ],
    group_name="published",
    kinds={"duckdb", "parquet"},
    owners=["team:finance-analytics"],
    pool=POOL,
    check_specs=[_WITHHELD, _LEVELS],
)
def marts(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """`published/marts.duckdb`: the regions' finance tables, audited, and what they mean."""
    with warehouse.writing(context) as settings:
        publication = publish.publish(settings)
        withheld = {one["region"]: one["withheld"] for one in status.refresh(settings) if one["withheld"]}
        alerts = status.alerts(settings)
    facts = {f"rows/{table}": rows for table, rows in publication.rows.items()} if publication else {}
    return dg.MaterializeResult(
        metadata={"is_new_version": publication is not None, **facts},
        check_results=[
            result(_KEY, _WITHHELD.name, withheld, warns=True),
            result(_KEY, _LEVELS.name, alerts, warns=True),
        ],
    )
