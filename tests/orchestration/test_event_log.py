"""Dagster's event log with kept connections: the same log, in the same files."""

from __future__ import annotations

import os

import dagster as dg
import pytest
from dagster._core.instance import InstanceRef

from orchestration.event_log import BATCH_SIZE, KeptOpenEventLog, in_batches, overrides

DAYS = dg.DailyPartitionsDefinition("2026-01-01")
RANGE = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-20"}


@dg.multi_asset(
    specs=[dg.AssetSpec("spend"), dg.AssetSpec("orders")],
    check_specs=[
        dg.AssetCheckSpec("sound", asset="orders"),
        dg.AssetCheckSpec("daily", asset="orders", partitions_def=DAYS),
    ],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def tables():
    yield dg.MaterializeResult("spend", metadata={"rows": 3})
    yield dg.MaterializeResult(
        "orders", check_results=[dg.AssetCheckResult(passed=True, check_name=name) for name in ("sound", "daily")]
    )


@dg.asset
def failing():
    raise ValueError("no")


def _run(home, kept: bool) -> list:
    """The partitions that are filled, the events of both runs, and what the index keeps of assets and checks."""
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    reference = InstanceRef.from_dir(str(home), overrides=overrides(home) if kept else {})
    with in_batches(7), dg.DagsterInstance.from_ref(reference) as instance:
        assert isinstance(instance.event_log_storage, KeptOpenEventLog) == kept
        for job, tags in (("tables", RANGE), ("failing", {})):
            found = dg.Definitions(assets=[tables, failing], jobs=[
                dg.define_asset_job("tables", [tables]), dg.define_asset_job("failing", [failing])
            ]).resolve_job_def(job)  # fmt: skip
            found.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    with dg.DagsterInstance.from_config(str(home)) as plain:
        runs = sorted(plain.get_runs(), key=lambda run: run.job_name)
        filled = {
            key: plain.event_log_storage.get_materialized_partitions(dg.AssetKey(key)) for key in ("spend", "orders")
        }
        events = [
            (run.job_name, run.status.value, entry.dagster_event_type.value, entry.dagster_event.partition)
            for run in runs
            for entry in plain.all_logs(run.run_id)
            if entry.is_dagster_event
        ]
        checks = [
            (name, one.status, one.partition, one.event.dagster_event_type)
            for name in ("sound", "daily")
            for one in plain.event_log_storage.get_asset_check_execution_history(
                dg.AssetCheckKey(dg.AssetKey("orders"), name), limit=50
            )
        ]
        records = plain.event_log_storage.get_asset_records()
        last = {
            one.asset_entry.asset_key: (
                one.asset_entry.last_materialization.dagster_event.partition,
                one.asset_entry.last_materialization_storage_id,
            )
            for one in records
            if one.asset_entry.last_materialization
        }
    return [filled, events, last, checks]


def test_kept_connections_leave_the_log_that_dagsters_own_leave(tmp_path, capfd):
    found = _run(tmp_path / "kept", kept=True)
    assert found == _run(tmp_path / "plain", kept=False)
    assert len(found[0]["spend"]) == 20
    assert "storing event batch" not in capfd.readouterr().err  # Dagster then stores them one by one


def test_a_storage_that_the_configuration_names_is_left_alone(tmp_path):
    (tmp_path / "dagster.yaml").write_text("storage:\n  sqlite:\n    base_dir: elsewhere\n")
    assert overrides(tmp_path) == {}


@pytest.mark.parametrize("before", [None, "12"])
def test_the_size_of_batches_is_put_back(monkeypatch, before):
    monkeypatch.delenv(BATCH_SIZE, raising=False)
    if before:
        monkeypatch.setenv(BATCH_SIZE, before)
    with in_batches(3):
        assert os.environ[BATCH_SIZE] == (before or "3")
    assert os.environ.get(BATCH_SIZE) == before


def test_partitions_are_there_from_when_they_are_added_until_they_are_deleted(tmp_path):
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    reference = InstanceRef.from_dir(str(tmp_path), overrides=overrides(tmp_path))
    with dg.DagsterInstance.from_ref(reference) as instance:
        for _ in range(2):
            assert not instance.has_dynamic_partition("region", "eu")
            instance.add_dynamic_partitions("region", ["eu"])
            assert instance.has_dynamic_partition("region", "eu")
            assert instance.has_dynamic_partition("region", "eu")
            assert not instance.has_dynamic_partition("other", "eu")
            instance.delete_dynamic_partition("region", "eu")
