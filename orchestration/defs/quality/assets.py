"""The judgement on what was rebuilt: reconciled with the ledger, each day is settled or withheld."""

from collections.abc import Iterator

import dagster as dg

from operations import status
from operations.finance_tables.published_tables import FINANCE
from operations.incidents.findings import Kind
from operations.rebuilding import rebuild
from orchestration.at_hand import windows_at_hand
from orchestration.automation import POOL
from orchestration.checks import result, runbook, spec
from orchestration.partition_checks import spread
from orchestration.partitions import region_days
from orchestration.warehouse import Warehouse
from quality.anomalies import MEASURES, Finding

_KEY = ["finance", "reconciliation_daily"]
_GATE = spec(
    _KEY, "days_can_be_published",
    "Every rebuilt day conserves money, agrees with the ledger, has its rates, and rests on books that balance.",
    "the days that the metadata names are withheld and readers keep their last good rows: mend the cause it gives, and"
    " rebuild the day.",
    region_days,
)  # fmt: skip
_USUAL = [
    spec(
        _KEY, f"usual_{measure}",
        f"{what.capitalize()}: as usual on that weekday, by the shop's own last weeks.",
        "something broke or something happened: look at the trackers, consent banner, campaigns and robots of the days"
        f" that the metadata names. Tolerance and blocking: anomalies.{measure} in romi.yaml.",
        region_days,
    )
    for measure, what in MEASURES.items()
]  # fmt: skip


@dg.asset(
    key=_KEY,
    deps=[dg.AssetKey(["finance", table.name]) for table in FINANCE if table.name != "reconciliation_daily"],
    partitions_def=region_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="finance",
    kinds={"duckdb", "python"},
    owners=["team:finance-analytics"],
    pool=POOL,
    check_specs=[_GATE, *_USUAL],
)
def reconciliation_daily(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[dg.MaterializeResult]:
    """The warehouse against the landed ledger, order by order, by code that shares nothing with the models."""
    unusual: list[tuple[str, Finding]] = []
    withheld: dict[str, str] = {}
    with warehouse.writing(context) as settings:
        windows = windows_at_hand(context, settings)
        for region, first, last in windows:
            place = f"{region} " if len({name for name, *_ in windows}) > 1 else ""
            found = rebuild.settle(settings, region, first, last)
            withheld |= {f"{place}{day}": reason for day, reason in sorted(found.items())}
            unusual += [(place, one) for one in rebuild.unusual(settings, region, first, last)]
        status.refresh(settings, {region for region, _, _ in windows})
    withheld_runbook = runbook(settings, Kind.WITHHELD)
    by_measure = {measure: [one for one in unusual if one[1].measure == measure] for measure in MEASURES}
    yield dg.MaterializeResult(
        metadata={"withheld_days": len(withheld)},
        check_results=[
            result(_KEY, _GATE.name, dict(list(withheld.items())[:50]), runbook=withheld_runbook),
            *[
                result(_KEY, f"usual_{measure}",
                       {f"{place}{one.day} {one.subject}".strip(): str(one) for place, one in found[-50:]},
                       warns=not any(one.is_blocking for _, one in found), runbook=withheld_runbook)
                for measure, found in by_measure.items()
            ],
        ],
    )  # fmt: skip
    spread(context)
