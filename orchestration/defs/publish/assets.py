"""What finance reads: an immutable version, built beside the old one and swapped in whole."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from operations import metrics, status
from operations.finance_tables.published_tables import FINANCE
from operations.finance_tables.version_audit import audit
from operations.incidents.findings import Kind
from operations.publishing import publish
from operations.publishing.expectation_gate import Gate, look_at_published
from operations.publishing.targets.bucket import upload
from operations.publishing.targets.postgres import deliver
from operations.recovery import history
from operations.rights import erasures
from operations.store.versions import current_version, version_dir
from orchestration.automation import POOL
from orchestration.checks import result, runbook, spec
from orchestration.table_facts import of_version
from orchestration.warehouse import Warehouse
from quality.expectations.catalogue import RULES
from settings import Settings

_KEY = ["published", "marts"]
_WITHHELD = spec(
    _KEY, "nothing_withheld",
    "Every day of every region is published as last rebuilt.",
    "the days that the metadata names stand with their last good rows, and it says why: mend that, and `romi run`;"
    " where only a tolerance was changed, `romi backfill` those days.",
)  # fmt: skip
_LEVELS = spec(
    _KEY, "service_levels_hold",
    "Accuracy, books, event match, freshness, latency and availability keep what slo in romi.yaml promises.",
    "an error budget burns too fast, page before ticket: look at the days of the service level in finance.slo_daily.",
)  # fmt: skip
_AUDIT = spec(
    _KEY, "version_audit",
    "What is published has its contract's columns and grains, and every model adds up to the day's orders.",
    "no run can have swapped it in so: go back with `romi publish rollback`, and look for what wrote into the file.",
)  # fmt: skip
_STANDING = {_WITHHELD.name, _LEVELS.name, _AUDIT.name}


@dg.multi_asset(
    name="marts",
    specs=[
        dg.AssetSpec(
            _KEY,
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
        _WITHHELD,
        _LEVELS,
        _AUDIT,
        *[dg.AssetCheckSpec(rule.name, asset=_KEY, description=rule.description) for rule in RULES],
    ],
    can_subset=True,  # what was not examined, since nothing differs from what is published, has no result
    pool=POOL,
)
def marts(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
    if dg.AssetKey(_KEY) not in context.selected_asset_keys:
        yield from _look_again(warehouse.settings, {key.name for key in context.selected_asset_check_keys})
        return
    with warehouse.writing(context) as settings:
        gate = Gate(settings)
        try:
            with history.timed(settings, "publish"):
                publication = publish.publish(settings, examine=gate)
            erasures.conclude(settings)
        finally:
            for one in gate.findings:
                yield _result(settings, one)
        withheld = _withheld(status.refresh(settings))
        metrics.write(settings)
    facts = {f"rows/{table}": rows for table, rows in publication.rows.items()} if publication else {}
    yield dg.MaterializeResult(
        asset_key=_KEY,
        metadata={**of_version(settings), "is_new_version": publication is not None, **facts},
    )
    yield from _standing(settings, _STANDING, withheld)


def _look_again(settings: Settings, chosen: set[str]) -> Iterator[dg.AssetCheckResult]:
    """Checks that were asked for without the asset: all of what is published is examined, and nothing is changed."""
    for one in look_at_published(settings):
        if one["rule"] in chosen:
            yield _result(settings, one)
    yield from _standing(settings, chosen, _withheld(status.snapshots(settings)))


def _withheld(snapshots: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["region"]: one["withheld"] for one in snapshots if one["withheld"]}


def _standing(settings: Settings, chosen: set[str], withheld: dict[str, Any]) -> Iterator[dg.AssetCheckResult]:
    """Of the checks on how the warehouse stands, the chosen ones."""
    if _WITHHELD.name in chosen:
        yield result(_KEY, _WITHHELD.name, withheld, warns=True, runbook=runbook(settings, Kind.WITHHELD))
    if _LEVELS.name in chosen:
        burning = status.alerts(settings)
        yield result(_KEY, _LEVELS.name, burning, warns=True, runbook=runbook(settings, Kind.BURN_RATE))
    if _AUDIT.name in chosen and (current := current_version(settings)) is not None:
        findings = audit(version_dir(settings, current))
        facts = {f"finding {n}": str(one) for n, one in enumerate(findings[:50], 1)}
        yield result(_KEY, _AUDIT.name, facts, runbook=runbook(settings, Kind.MEMORY))


def _result(settings: Settings, finding: dict[str, Any]) -> dg.AssetCheckResult:
    """A finding as the UI shows it; a rule that could not be examined fails, and says so."""
    places = [f"{region} {period}" for region, period in finding["places"]]
    facts = {"rows": finding["rows"], "unexpected_rows": finding["unexpected"], "where": places[:50]}
    return result(
        _KEY, finding["rule"], {**facts, **({"error": finding["error"]} if finding["error"] else {})},
        passed=not places and not finding["error"], warns=not finding["is_blocking"],
        runbook=runbook(settings, Kind.WITHHELD),
    )  # fmt: skip


def _target(name: str, kind: str, description: str, bring: Callable[[Settings], Any]) -> dg.AssetsDefinition:
    """A place besides the files to which each published version is brought."""

    @dg.asset(
        key=["published", name], deps=[dg.AssetKey(_KEY)], group_name="published", kinds={kind},
        owners=["team:finance-analytics"], pool=POOL, output_required=False, description=description,
    )  # fmt: skip
    def target(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
        with warehouse.writing(context) as settings:
            brought = bring(settings)
        if brought:
            yield dg.MaterializeResult(metadata=brought.facts)

    return target


postgres = _target(
    "postgres", "postgres",
    "The published version in PostgreSQL, whole, in one transaction; where `publish.postgres` names none, nothing.",
    deliver,
)  # fmt: skip
bucket = _target(
    "bucket", "s3",
    "The published version in an object store, whole, by its pointer; where `publish.bucket` names none, nothing.",
    upload,
)  # fmt: skip
