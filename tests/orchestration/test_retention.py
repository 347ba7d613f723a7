"""Retention in Dagster: the asset with its check, the schedule that is off, and Dagster's own logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from ingestion.books import region_file
from operations.store.locks import exclusive
from orchestration import pipeline
from orchestration.definitions import defs
from orchestration.defs.retention.assets import disposal
from orchestration.logs import old_logs
from orchestration.warehouse import Warehouse
from settings import Settings


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = Settings(warehouse=tmp_path / "warehouse", landing=str(tmp_path / "landing"), regions=None)
    with exclusive(made), region_file(made, "eu") as con:
        con.execute(
            "insert into ops.dead_letters values (1, 0, 'malformed_json', null, '2020-01-01', 1, 'x'::blob, null)"
        )
    return made


def _materialize(settings: Settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    resource = Warehouse(landing=settings.landing, warehouse=str(settings.warehouse))
    return dg.materialize([disposal], instance=instance, resources={"warehouse": resource})


def test_the_asset_disposes_and_its_check_looks_for_what_is_left(settings):
    with pipeline.instance(settings) as journal:
        first = _materialize(settings, journal)
        [evaluation] = first.get_asset_check_evaluations()
        assert (evaluation.check_name, evaluation.passed) == ("nothing_overdue", True)
        [made] = first.asset_materializations_for_node("ops__retention")
        assert made.metadata["eu/dead letters"].value == 1
        with region_file(settings, "eu") as con:
            con.execute("insert into ops.meta values ('rewrite_due', 'yes')")
        again = _materialize(settings, journal)
        assert again.get_asset_check_evaluations()[0].passed, "what a kill left is made up for"


def test_the_schedule_is_off_until_somebody_switches_it_on():
    schedule = defs().get_repository_def().get_schedule_def("daily_retention")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_runs_that_are_old_enough_go_with_their_files(settings):
    with pipeline.instance(settings) as journal:
        run_id = _materialize(settings, journal).run_id
        (settings.dbt_dir / "target.log").write_text("old")
        now = datetime.now(UTC)
        assert old_logs(settings, journal, now - timedelta(days=1)) == {}
        logs = old_logs(settings, journal, now + timedelta(days=1))
        assert set(logs) == {f"run {run_id}", "dbt target.log"}
        for remove in logs.values():
            remove()
        assert journal.get_run_by_id(run_id) is None
        assert old_logs(settings, journal, now + timedelta(days=1)) == {}
    assert not [path for path in settings.dagster_home.rglob("*") if run_id in path.name]
