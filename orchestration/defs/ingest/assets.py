"""Raw tables: what a region's landing zone holds, without persons, and the books of it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg

from ingestion.books import region_file
from ingestion.load import Loaded, Progress
from ingestion.replica import landed_copies
from operations import metrics, status
from operations.incidents.findings import Kind
from operations.progress import Step, report
from operations.rebuilding import plan
from operations.recovery import drain, history, responses
from operations.removal import erasure, withdrawal
from operations.removal.rewrite import keep_as_configured
from operations.rights import open_erasures, rotation
from operations.store.memory.keeping import refuse_copies, refuse_lost_state, settle_load
from orchestration.automation import POOL
from orchestration.checks import result, runbook, spec
from orchestration.partitions import regions
from orchestration.table_facts import backlog_seen, rows_of_regions
from orchestration.warehouse import Warehouse
from quality.books import BookCheck, book_checks
from settings import Settings

_RAW = {
    "events": "Records of the Segment Spec, masked at the boundary; one row a kept record.",
    "spend": "Advertising cost as the platforms export it.",
    "ledger_orders": "The ERP's orders, the truth about money.",
    "fx_rates": "The ECB's reference rates.",
}

_CHECKS = [
    spec(
        ["raw", "events"], "books_balance",
        "For every archive, records read are the sum over their fates, and those kept are in the table.",
        "records were lost or doubled: the days rebuilt are withheld; restore the last backup and load again.",
        regions,
    ),
    spec(
        ["raw", "events"], "archives_are_whole",
        "No archive is corrupt; of one that is, nothing is loaded.",
        "ask upstream for the archives that the metadata names: each is read again when it changes.",
        regions,
    ),
    *[
        spec(
            ["raw", table], "pandera_contract",
            "Every batch kept the contract of its kind after parsing and masking; of a file that breaks it, nothing is"
            " loaded.",
            "it is a fault of ours, not of the file's sender: tell us the problem that the metadata names.",
            regions,
        )
        for table in _RAW
    ],
]  # fmt: skip


def _step(at: Progress) -> Step:
    return Step(f"{at.region}: ingest", at.archives, at.archives_total, f"archives, {at.records:,} records")


@dg.multi_asset(
    name="landing_zone",
    specs=[
        dg.AssetSpec(["raw", table], description=meaning, kinds={"duckdb", "python"}, owners=["team:data-platform"])
        for table, meaning in _RAW.items()
    ],
    check_specs=_CHECKS,
    partitions_def=regions,
    can_subset=True,  # one load fills all tables: what was not selected is loaded as well, and only not told
    group_name="raw",
    pool=POOL,
)  # fmt: skip
def ingest(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
    region = context.partition_key
    if not context.selected_asset_keys:
        with region_file(warehouse.settings, region, read_only=True) as con:
            yield from _results(context, warehouse.settings, book_checks(con))
        return
    with warehouse.writing(context) as settings:
        open_erasures.look_again(settings, region)
        refuse_lost_state(settings, region, loads=True)
        vet = partial(refuse_copies, settings, region)
        if not settings.region_file(region).exists():  # before there is one
            vet(landed_copies(settings, region))
        erasure.enforce(settings, region, with_letters=False)
        rotation.catch_up(settings, region)
        keep_as_configured(settings, region)
        loaded = drain.drain(settings, region, lambda at: report(_step(at)), vet)
        responses.replay_letters(settings, region)
        with region_file(settings, region) as con:
            settle_load(con, settings, region)
            history.enter(con, settings, region)
            withdrawal.note_changes(con)
            pending = plan.plan(con, settings, region) + responses.rebuild_withheld(con, settings, region)
            withdrawal.take_out(con)
            checks = book_checks(con)
            found = status.write_snapshot(con, settings, region)
        metrics.write(settings)
    context.log_event(backlog_seen(region, found["backlog"]["topics"]))
    facts = _facts(loaded, pending, found)
    for table, rows in rows_of_regions(settings, "raw", _RAW).items():
        if dg.AssetKey(["raw", table]) in context.selected_asset_keys:
            counts = {"dagster/row_count": sum(rows.values()), "dagster/partition_row_count": rows.get(region)}
            here = {name: count for name, count in counts.items() if count is not None}
            by_region = {f"rows in {name}": count for name, count in rows.items()}
            metadata: dict[str, Any] = {**here, **by_region, **(facts if table == "events" else {})}
            yield dg.MaterializeResult(asset_key=["raw", table], metadata=metadata)
    yield from _results(context, settings, checks)


def _facts(loaded: Loaded, pending: int, found: dict[str, Any]) -> dict[str, Any]:
    """What the load tells of itself on the events' page; `found` is the snapshot after it."""
    return {
        "archives": loaded.archives, "records": loaded.records, "pending_days": pending,
        "backlog_archives": found["backlog"]["archives"] or 0, "backlog_records": found["backlog"]["records"] or 0,
        "drain_records_per_hour": found["backlog"]["drain_records_per_hour"] or 0.0,
        "new_fields": dg.MetadataValue.json(found["fields"]["new"]),
        "broken_fields": dg.MetadataValue.json(found["fields"]["broken"]),
    }  # fmt: skip


def _results(
    context: dg.AssetExecutionContext, settings: Settings, checks: list[BookCheck]
) -> Iterator[dg.AssetCheckResult]:
    """Of the checks on the books, the selected ones."""
    for one in checks:
        kind = Kind.WITHHELD if one.name == "books_balance" else Kind.CORRUPT_ARCHIVES
        found = result(["raw", one.table], one.name, one.facts, passed=one.is_passed, runbook=runbook(settings, kind))
        if found.asset_key and dg.AssetCheckKey(found.asset_key, one.name) in context.selected_asset_check_keys:
            yield found
