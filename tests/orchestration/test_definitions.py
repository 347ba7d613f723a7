"""What the Dagster UI shows and starts by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta

import dagster as dg
import pytest

from orchestration.definitions import defs, defs_without_models
from orchestration.partitions import FIRST_DAY, days, range_tags, region_days, windows_of
from orchestration.warehouse import Warehouse
from tests.end_to_end import conftest
from tests.end_to_end.conftest import order, page

shop = conftest.shop


@pytest.fixture(scope="module")
def repository():
    return defs().get_repository_def()


def test_pipeline_is_one_graph_from_raw_to_published(repository):
    graph = repository.asset_graph
    marts = dg.AssetKey(["published", "marts"])
    upstream, todo = set(), [marts]
    while todo:
        parents = graph.get(todo.pop()).parent_keys - upstream
        upstream |= parents
        todo += parents
    raw = {dg.AssetKey(["raw", table]) for table in ("events", "spend", "ledger_orders", "fx_rates")}
    assert raw <= upstream
    assert {job.name for job in repository.get_all_jobs()} >= {"ingest", "rebuild", "publish"}


def test_all_tables_of_a_build_are_partitioned_by_day_and_region(repository):
    graph = repository.asset_graph
    for group in ("staging", "intermediate", "finance"):
        for key in dg.AssetSelection.groups(group).resolve(graph):
            assert graph.get(key).partitions_def == region_days, key


@pytest.mark.parametrize("name", ["ingest", "publish"])
def test_a_job_without_the_models_materialises_what_the_job_of_the_ui_does(repository, name):
    job, alone = repository.get_job(name), defs_without_models().resolve_job_def(name)
    assert alone.asset_layer.executable_asset_keys == job.asset_layer.executable_asset_keys
    graphs = [one.asset_layer.asset_graph for one in (job, alone)]
    checks = [{key for key in graph.asset_check_keys if key.asset_key.path[0] in ("raw", "published")}
              for graph in graphs]  # fmt: skip
    assert checks[0] == checks[1] != set()
    for key in job.asset_layer.executable_asset_keys:
        here, there = (graph.get(key) for graph in graphs)
        assert here.parent_keys == there.parent_keys
        for parent in here.parent_keys:
            assert graphs[0].get(parent).partitions_def == graphs[1].get(parent).partitions_def, parent


def test_what_a_run_with_nothing_new_does_not_use_is_not_imported():
    code = """
import sys
from orchestration import jobs, pipeline
for name in ("ingest", "publish"):
    jobs.definitions_without_models().resolve_job_def(name)
print([one for one in ("dbt", "dagster_dbt", "altair", "pandera", "great_expectations", "sqlglot")
       if one in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_check_says_what_it_protects(repository):
    graph = repository.asset_graph
    nameless = [key for key in graph.asset_check_keys if not graph.get_check_spec(key).description]
    assert nameless == []


def test_window_of_a_run_is_the_range_it_was_asked_for():
    tags = range_tags("eu", date(2026, 3, 1), date(2026, 3, 9))
    keys = [f"2026-03-0{day}|eu" for day in range(1, 10)]
    assert list(tags.values()) == [keys[0], keys[-1]]
    assert windows_of(keys) == [("eu", date(2026, 3, 1), date(2026, 3, 9))]


def test_days_outside_the_calendar_belong_to_its_ends():
    latest = date.fromisoformat(days.get_last_partition_key())
    tags = range_tags("eu", date(2009, 5, 1), latest + timedelta(days=900))
    assert list(tags.values()) == [f"{FIRST_DAY}|eu", f"{latest}|eu"]
    (_, first, _), (_, _, last) = windows_of([f"{FIRST_DAY}|eu", f"{latest}|eu"])
    assert first < date(2009, 5, 1)
    assert last > latest + timedelta(days=900)


def test_ragged_days_of_several_regions_are_windows_of_whole_months():
    keys = ["2026-03-01|us", "2026-02-27|eu", "2026-03-09|eu", "2026-03-01|eu", "2026-05-01|eu"]
    assert windows_of(keys) == [
        ("eu", date(2026, 2, 27), date(2026, 2, 27)),
        ("eu", date(2026, 3, 1), date(2026, 3, 9)),
        ("eu", date(2026, 5, 1), date(2026, 5, 1)),
        ("us", date(2026, 3, 1), date(2026, 3, 1)),
    ]


def test_every_schedule_and_sensor_says_what_it_is_for(repository):
    said = {one.name: one.description for one in [*repository.schedule_defs, *repository.sensor_defs]}
    assert len(said) >= 11
    assert {name: words for name, words in said.items() if not (words or "").endswith(".")} == {}


@pytest.mark.slow  # the requests of each are held below, the jobs by `romi run`
def test_schedule_and_sensors_carry_a_landed_archive_to_a_published_version(repository, shop):
    shop.configure("privacy: {k_anonymity: 1}\n")
    shop.archive("eu", 0, [page("m1", "2026-03-01T10:00:00Z"), order("m2", "2026-03-02T10:00:00Z", "o-1", 5)])
    config = {"landing": str(shop.landing), "warehouse": str(shop.warehouse), "config": str(shop.folder / "romi.yaml")}
    resources = {"warehouse": Warehouse(**config)}
    run_config = {"resources": {"warehouse": {"config": config}}}
    with dg.DagsterInstance.local_temp(str(shop.folder)) as instance:

        def execute(request: dg.RunRequest, job: str) -> None:
            result = repository.get_job(job).execute_in_process(
                instance=instance, run_config=run_config, partition_key=request.partition_key, tags=request.tags
            )
            assert result.success

        schedule = repository.get_schedule_def("daily")
        context = dg.build_schedule_context(instance=instance, resources=resources, repository_def=repository)
        for request in schedule.evaluate_tick(context).run_requests:
            execute(request, "ingest")
        [event] = instance.fetch_materializations(dg.AssetKey(["raw", "events"]), limit=1).records
        assert {"new_fields", "broken_fields"} <= set(event.asset_materialization.metadata)
        [event] = instance.fetch_observations(dg.AssetKey(["ops", "backlog_history"]), limit=1).records
        assert event.asset_observation.metadata["archives that wait in eu"].value == 0

        for name, job in (("pending_days", "rebuild"), ("settled_regions", "publish")):
            sensor = repository.get_sensor_def(name)
            context = dg.build_sensor_context(instance=instance, resources=resources, repository_def=repository)
            requests = sensor.evaluate_tick(context).run_requests
            assert requests, name
            for request in requests:
                execute(request, job)

    assert shop.query("select date::varchar, orders from finance.orders_daily") == [("2026-03-02", 1)]
    assert json.loads((shop.warehouse / "status" / "eu.json").read_text())["pending"] == []


def test_what_lands_is_loaded_by_a_run_for_each_region_that_has_none_under_way(repository, shop, monkeypatch):
    shop.archive("eu", 0, [page("m1", "2026-03-01T10:00:00Z")])
    resources = {"warehouse": Warehouse(landing=str(shop.landing), warehouse=str(shop.warehouse))}
    sensor = repository.get_sensor_def("backlog")
    with dg.DagsterInstance.local_temp(str(shop.folder)) as instance:

        def tick(cursor: str | None = None):
            context = dg.build_sensor_context(
                instance=instance, resources=resources, repository_def=repository, cursor=cursor
            )
            return sensor.evaluate_tick(context)

        first = tick()
        [request] = first.run_requests
        assert (request.tags["dagster/partition"], request.tags["romi/class"]) == ("eu", "urgent")
        [seen, of_history] = first.asset_events
        assert (seen.partition, seen.metadata["backlog_archives"].value) == ("eu", 1)
        assert of_history.asset_key == dg.AssetKey(["ops", "backlog_history"])
        assert of_history.metadata["archives that wait in eu"].value == 1
        assert [one.run_key for one in tick(first.cursor).run_requests] == [request.run_key]  # Dagster runs a key once
        job = repository.get_job("ingest")
        instance.create_run_for_job(job, tags={"dagster/partition": "eu"}, status=dg.DagsterRunStatus.STARTED)
        shop.archive("eu", 1, [page("m2", "2026-03-01T10:00:00Z")])
        assert tick(first.cursor).run_requests == []
        assert tick(first.cursor).cursor != first.cursor


def test_the_newest_days_go_first_and_older_ones_in_their_order(repository, shop, monkeypatch):
    one = {"region": "eu", "news": "1+0+0", "build": 3, "pending": [["2025-11-01", "2025-11-30"],
           ["2026-01-01", "2026-01-31"], ["2026-03-01", "2026-03-19"]]}  # fmt: skip
    monkeypatch.setattr("orchestration.defs.jobs.status.snapshots", lambda _: [one])
    resources = {"warehouse": Warehouse(landing=str(shop.landing), warehouse=str(shop.warehouse))}
    with dg.DagsterInstance.local_temp(str(shop.folder)) as instance:
        context = dg.build_sensor_context(instance=instance, resources=resources, repository_def=repository)
        requests = repository.get_sensor_def("pending_days").evaluate_tick(context).run_requests
        assert [(one.tags["romi/class"], one.tags["dagster/priority"]) for one in requests] == [
            ("older", "-1"), ("older", "-2"), ("urgent", "10")]  # fmt: skip
        again = repository.get_sensor_def("pending_days").evaluate_tick(context).run_requests
        assert [one.run_key for one in again] == [one.run_key for one in requests], "Dagster runs a key once"
        sensor = repository.get_sensor_def("settled_regions")
        assert sensor.evaluate_tick(context).run_requests == []
        one["pending"].pop()  # the newest is settled
        assert len(sensor.evaluate_tick(context).run_requests) == 1
