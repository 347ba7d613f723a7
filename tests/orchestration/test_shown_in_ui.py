"""What the Dagster UI shows: checks by partition, runs on the timeline, a calendar of the warehouse's days, figures."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import dagster as dg
import duckdb
import pytest
import yaml
from dagster._core.instance import InstanceRef
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Status

from operations.finance_tables.measures import Measures, last_days_in_words, measures, of_day
from orchestration import calendar_start
from orchestration.definitions import defs
from orchestration.event_log import in_batches, overrides
from orchestration.partition_checks import spread
from orchestration.table_facts import as_metadata
from orchestration.timeline import NOT_RETRIED, shown_in_timeline
from settings import Settings
from tests.test_architecture import ROOT

DAYS = dg.DailyPartitionsDefinition("2026-01-01")
RANGE = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-20"}
CHECKS = {"sound": True, "cheap": False}


@dg.asset(
    check_specs=[dg.AssetCheckSpec(name, asset="orders", partitions_def=DAYS) for name in CHECKS],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def orders(context):
    yield dg.MaterializeResult(
        check_results=[dg.AssetCheckResult(passed=passed, check_name=name) for name, passed in CHECKS.items()]
    )
    spread(context)


@pytest.fixture(params=["kept", "plain"])
def journal(request, tmp_path):
    """An instance with the event log of `romi run`, and one with Dagster's own."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with in_batches(7):
        reference = InstanceRef.from_dir(
            str(tmp_path), overrides=overrides(tmp_path) if request.param == "kept" else {}
        )
        with dg.DagsterInstance.from_ref(reference) as instance:
            yield shown_in_timeline(instance)


def _run(journal, **how) -> dg.ExecuteInProcessResult:
    job = dg.Definitions(assets=[orders], jobs=[dg.define_asset_job("all", [orders])]).resolve_job_def("all")
    return job.execute_in_process(instance=journal, **how)


def _partitions(journal, name: str) -> dict[str | None, tuple[Status, bool]]:
    key = dg.AssetCheckKey(dg.AssetKey("orders"), name)
    found = journal.event_log_storage.get_asset_check_partition_info([key])
    return {one.partition_key: (one.latest_execution_status, one.is_current) for one in found}


def test_every_day_of_a_run_shows_what_its_checks_came_to(journal):
    _run(journal, tags=RANGE)
    days = [str(date(2026, 1, 1) + timedelta(days=number)) for number in range(20)]
    assert _partitions(journal, "sound") == dict.fromkeys(days, (Status.SUCCEEDED, True))
    assert _partitions(journal, "cheap") == dict.fromkeys(days, (Status.FAILED, True))
    _run(journal, partition_key="2026-01-07")
    assert _partitions(journal, "sound") == dict.fromkeys(days, (Status.SUCCEEDED, True))


def test_a_run_of_the_command_line_belongs_to_the_code_location_and_is_not_tried_again(journal):
    [place] = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    run = journal.get_run_by_id(_run(journal, partition_key="2026-01-07", tags=NOT_RETRIED).run_id)
    assert run.remote_job_origin.location_name == place["python_module"]["location_name"]
    assert run.remote_job_origin.job_name == "all"
    assert run.tags["dagster/max_retries"] == "0"


def test_the_calendar_begins_with_the_first_day_that_a_region_knows(tmp_path, monkeypatch):
    monkeypatch.setattr(calendar_start, "_first", calendar_start.EARLIEST)
    settings = Settings(warehouse=tmp_path, regions={"eu": {}, "us": {}})
    calendar_start.begin_with(settings)
    assert calendar_start.first_day() == calendar_start.EARLIEST
    (tmp_path / "status").mkdir()
    yesterday = date.today() - timedelta(days=1)
    for region, day in (("eu", yesterday), ("us", date.today())):
        (tmp_path / "status" / f"{region}.json").write_text(json.dumps({"region": region, "first_day": str(day)}))
    calendar_start.begin_with(settings)
    assert calendar_start.first_day() == yesterday
    (tmp_path / "status" / "us.json").write_text(json.dumps({"region": "us", "first_day": "2009-05-01"}))
    calendar_start.begin_with(settings)
    assert calendar_start.first_day() == calendar_start.EARLIEST


def test_every_asset_has_a_layer_a_kind_an_owner_and_a_description():
    graph = defs().get_repository_def().asset_graph
    layers = {"raw", "ops", "staging", "intermediate", "finance", "released", "published"}
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.group_name in layers, key
        assert node.kinds, key
        assert node.owners, key
        assert len(node.description or "") > 10, key


@pytest.mark.parametrize(("every_hours", "expected"), [(None, "STOPPED"), (6, "RUNNING")])
def test_backups_are_switched_on_where_they_are_configured(tmp_path, monkeypatch, every_hours, expected):
    from orchestration.defs.backup import assets

    monkeypatch.chdir(tmp_path)
    (tmp_path / "romi.yaml").write_text(json.dumps({"backup": {"every_hours": every_hours}}))
    assert assets.default_status().value == expected


def _table() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("""
        create schema finance;
        create table finance.romi_daily as select * from (values
            (date '2026-03-01', 'eu', 'linear', 1.00::decimal(18,2), 3.10::decimal(18,2)),
            (date '2026-03-01', 'eu', 'markov', 1.00, 3.10), (date '2026-03-02', 'eu', 'linear', 2.00, 0.05))
            as rows (date, region, attribution_model, spend, net_revenue);
        alter table finance.romi_daily add column revenue decimal(18,2); update finance.romi_daily set revenue = 0;
        alter table finance.romi_daily add column margin decimal(18,2); update finance.romi_daily set margin = 0;
        create table finance.orders_daily as select date '2026-03-02' as date, 'eu' as region, 3 as orders,
            12.50::decimal(18,2) as net_revenue, 6.25::decimal(18,2) as margin;
        create table finance.spend_daily as
            select date '2026-03-02' as date, 'eu' as region, 4.00::decimal(18,2) as spend;
    """)
    return con


def test_a_days_money_is_that_of_one_model_and_a_month_belongs_to_each_of_its_days():
    with _table() as con:
        found = measures(con, "romi_daily", date(2026, 3, 1), date(2026, 3, 1))
        assert measures(con, "int_orders__conversions", date(2026, 3, 1), date(2026, 3, 1)) == {}
        assert "| 2026-03-02 | eu | 4.00 | 3 | 12.50 | 6.25 |" in last_days_in_words(con)
    assert list(found) == [date(2026, 3, 1)]
    assert found[date(2026, 3, 1)].rows == 2
    assert found[date(2026, 3, 1)].totals["net_revenue"] == Decimal("3.10")
    assert as_metadata(found[date(2026, 3, 1)])["spend"] == 1.0
    month = {date(2026, 3, 1): Measures(1, {})}
    assert of_day(month, date(2026, 3, 31)) == Measures(1, {})
    assert of_day(month, date(2026, 4, 1)) is None
