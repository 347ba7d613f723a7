"""Dagster's own runs: a failure opens an incident, the next success closes it, and a sensor tells whoever is due."""

from __future__ import annotations

import os
import signal

import dagster as dg
import pytest

from operations.incidents import book
from operations.store.locks import exclusive
from orchestration.defs.incidents import sensors
from orchestration.warehouse import Warehouse
from settings import Settings, TransientError


@dg.op
def breaks() -> None:
    raise TransientError("/w/regions/eu.duckdb is held by another process; try again when it is done")


@dg.op
def works() -> None:
    pass


@dg.job(name="ingest")
def breaking() -> None:
    breaks()


@dg.job(name="ingest")
def working() -> None:
    works()


@dg.op
def is_ended() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@dg.job(name="ingest")
def ending() -> None:
    is_ended()


@pytest.fixture
def told(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    monkeypatch.setenv("ROMI_NOTICE_OPS", f"file://{tmp_path / 'notices'}")
    config = tmp_path / "romi.yaml"
    config.write_text("incidents: {roles: [{role: on_call, address: ops}]}\n")
    settings = Settings(warehouse=tmp_path / "warehouse")
    with exclusive(settings):
        pass
    resource = Warehouse(config=str(config), warehouse=str(settings.warehouse))

    def evaluate(sensor, job, **tags):
        with dg.DagsterInstance.ephemeral() as instance:
            result = job.execute_in_process(
                instance=instance, raise_on_error=False, tags={"dagster/partition": "eu", **tags}
            )
            event = result.filter_events(lambda one: one.event_type_value.startswith("PIPELINE_"))[-1]
            context = dg.build_run_status_sensor_context(
                sensor_name=sensor.name, dagster_event=event, dagster_instance=instance,
                dagster_run=result.dagster_run, resources={"warehouse": resource},
            )  # fmt: skip
            context = context.for_run_failure() if sensor is sensors.failed_runs else context
            return sensor(context).skip_message

    return settings, resource, evaluate


def test_a_failed_run_opens_one_incident_and_the_next_success_of_that_job_closes_it(told):
    settings, _, evaluate = told
    assert evaluate(sensors.failed_runs, breaking) == (
        "opened incident 1: lock in eu: another process holds a file; told on_call (ops) of incident 1"
    )
    assert evaluate(sensors.failed_runs, breaking) == "known already"
    assert book.live(settings)[0].timeline[0]["run"]
    assert evaluate(sensors.finished_runs, working, **{"dagster/partition": "us"}) == "nothing changed"
    assert evaluate(sensors.finished_runs, working).startswith("closed incident 1")


def test_a_run_that_somebody_ends_opens_none(told):
    settings, _, evaluate = told
    assert evaluate(sensors.failed_runs, ending) == "somebody ended it: the next one goes on"
    assert book.live(settings) == []


def test_a_run_that_is_tried_again_and_one_of_the_command_line_are_left_out(told):
    settings, _, evaluate = told
    for tags in ({"dagster/will_retry": "true"}, {"romi/run": "command line"}):
        assert evaluate(sensors.failed_runs, breaking, **tags) == "it is tried again, or reports itself"
    assert book.live(settings) == []


def test_the_sensor_of_notices_tells_once_however_often_it_is_evaluated(told, tmp_path):
    _, resource, evaluate = told
    evaluate(sensors.failed_runs, breaking)
    for _ in range(2):
        context = dg.build_sensor_context(resources={"warehouse": resource})
        assert sensors.notices(context).skip_message == "nobody is due to be told"
    assert len((tmp_path / "notices").read_text().splitlines()) == 1
