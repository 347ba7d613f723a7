"""What finance reads: an immutable version, built beside the old one and swapped in whole."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from operations import publish, status
from operations.expectation_gate import Gate, folder, look_at_published
from operations.published_tables import FINANCE
from orchestration.automation import POOL
from orchestration.warehouse import Warehouse
from quality.expectations.catalogue import RULES
from settings import Settings

_MARTS = dg.AssetKey(["published", "marts"])
_WITHHELD = (
    "Every day of every region is published as last rebuilt; what is not stands with its last good rows, and the"
    " metadata says which regions and days."
)


@dg.multi_asset(
    name="marts",
    specs=[
        dg.AssetSpec(
            _MARTS,
            description="`published/marts.duckdb`: the regions' finance tables, audited, and what they mean.",
            deps=[
                dg.AssetDep(dg.AssetKey(key), partition_mapping=dg.AllPartitionMapping())
                for key in (*[["finance", table.name] for table in FINANCE], ["released", "channel_monthly"])
            ],
            group_name="published",
            kinds={"duckdb", "parquet"},
            owners=["team:finance-analytics"],
        )
    ],
    check_specs=[
        dg.AssetCheckSpec("nothing_withheld", asset=_MARTS, description=_WITHHELD),
        *[dg.AssetCheckSpec(rule.name, asset=_MARTS, description=rule.description) for rule in RULES],
    ],
    can_subset=True,  # what was not examined, since nothing differs from what is published, has no result
    pool=POOL,
)
def marts(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
    if _MARTS not in context.selected_asset_keys:
        yield from _look_again(warehouse.settings, {key.name for key in context.selected_asset_check_keys})
        return
    with warehouse.writing(context) as settings:
        gate = Gate(settings)
        try:
            publication = publish.publish(settings, examine=gate)
        finally:
            for one in gate.findings:
                yield _result(one)
        withheld = {one["region"]: one["withheld"] for one in status.refresh(settings) if one["withheld"]}
        pages = {"data_docs": dg.MetadataValue.path(str(folder(settings) / "data_docs" / "index.html"))}
    facts = {f"rows/{table}": rows for table, rows in publication.rows.items()} if publication else {}
    yield dg.MaterializeResult(
        asset_key=_MARTS,
        metadata={"is_new_version": publication is not None, **facts, **(pages if gate.findings else {})},
    )
    yield _nothing_withheld(withheld)


def _look_again(settings: Settings, chosen: set[str]) -> Iterator[dg.AssetCheckResult]:
    """Checks that were asked for without the asset: all of what is published is examined, and nothing is changed."""
    for one in look_at_published(settings):
        if one["rule"] in chosen:
            yield _result(one)
    if "nothing_withheld" in chosen:
        yield _nothing_withheld(
            {one["region"]: one["withheld"] for one in status.snapshots(settings) if one["withheld"]}
        )


def _nothing_withheld(withheld: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=_MARTS, check_name="nothing_withheld", passed=not withheld, severity=dg.AssetCheckSeverity.WARN,
        metadata=withheld,
    )  # fmt: skip


def _result(finding: dict[str, Any]) -> dg.AssetCheckResult:
    """A finding as the UI shows it; a rule that could not be examined fails, and says so."""
    places = [f"{region} {period}" for region, period in finding["places"]]
    facts = {"rows": finding["rows"], "unexpected_rows": finding["unexpected"], "where": places[:50]}
    return dg.AssetCheckResult(
        asset_key=_MARTS,
        check_name=finding["rule"],
        passed=not places and not finding["error"],
        severity=dg.AssetCheckSeverity.ERROR if finding["is_blocking"] else dg.AssetCheckSeverity.WARN,
        metadata={**facts, **({"error": finding["error"]} if finding["error"] else {})},
    )
