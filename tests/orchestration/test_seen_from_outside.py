"""One run as whoever collects its logs sees it, by one id through logs, Dagster, dbt and the book of incidents."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from operations import run_log
from operations.incidents import book
from operations.progress import Step, report
from orchestration import pipeline
from orchestration.cli.main import main
from orchestration.defs.transform import assets as transform
from settings import load_settings
from tests.end_to_end.conftest import NOW, Shop, campaign, order, page
from tests.end_to_end.test_main_job import K1, ledger_row


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """A shop after a run with a corrupt archive: its settings, what the run printed, and dbt's events."""
    shop = Shop(tmp_path_factory.mktemp("seen"))
    shop.configure(K1 + "monitoring: {logs: json}\n")
    shop.archive("eu", 0, [page("m1", "2026-03-01T10:00:00Z", context=campaign("google", "cpc", "brand")),
                           order("m2", "2026-03-02T10:00:00Z", "o-1", 50)])  # fmt: skip
    shop.archive("eu", 2, ["x"], suffix="json.gz").write_bytes(b"\x1f\x8bno gzip")
    shop.table("eu", "ledger/orders.csv", [ledger_row("o-1", "2026-03-02T10:00:00Z", "50.00")])
    events: list = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", NOW)
        hear = transform._log
        patch.setattr(transform, "_log", lambda *told: (events.append(told[-1]), hear(*told)))
        done = CliRunner().invoke(main, ["run", "--json", "--config", str(shop.folder / "romi.yaml"), "--landing",
                                         str(shop.landing), "--warehouse", str(shop.warehouse)])  # fmt: skip
    settings = load_settings(shop.folder / "romi.yaml", warehouse=shop.warehouse, landing=str(shop.landing))
    return settings, json.loads(done.stdout), [json.loads(line) for line in done.stderr.splitlines()], events


def test_every_line_of_the_log_is_an_object_with_time_level_run_region_event_and_message(seen):
    _, outcome, log, _ = seen
    assert {tuple(line)[:6] for line in log} == {("time", "level", "run_id", "region", "event", "message")}
    assert {line["run_id"] for line in log} == {outcome["run_id"]}
    assert [line["message"] for line in (log[0], log[-1])] == ["began", "ended"]
    assert log[-1]["exit_code"] == outcome["exit_code"]
    assert {(line["event"], line["region"]) for line in log} >= {
        ("ingest", "eu"), ("transform", "eu"), ("dbt", "eu"), ("publish", None), ("warning", "eu"), ("incident", None),
    }  # fmt: skip
    assert {line["level"] for line in log if line["event"] == "warning"} == {"warning"}


def test_dagster_dbt_and_incidents_know_the_run_by_the_same_id(seen):
    settings, outcome, _, events = seen
    with pipeline.instance(settings) as journal:
        runs = journal.get_runs(dg.RunsFilter(tags={"romi/run_id": outcome["run_id"]}))
        assert {run.job_name for run in runs} >= {"ingest", "rebuild", "publish"}
        assert len(runs) == journal.get_runs_count()
    assert {event["info"]["extra"]["ROMI_RUN_ID"] for event in events} == {outcome["run_id"]}
    assert {line["run"] for one in book.incidents(settings) for line in one.timeline if line["event"] == "opened"} == {
        outcome["run_id"]
    }


def test_no_order_and_no_person_is_in_the_log(seen):
    _, _, log, _ = seen
    assert not [line for line in log if any(value in json.dumps(line) for value in ("o-1", "m1", "m2", "anonymous"))]


def test_an_error_that_ends_the_command_is_a_line_of_json_too(tmp_path: Path, monkeypatch):
    (tmp_path / "landing" / "eu").mkdir(parents=True)
    monkeypatch.setattr(pipeline, "run", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    done = CliRunner().invoke(main, ["run", "--log-json", "--landing", str(tmp_path / "landing"), "--warehouse",
                                     str(tmp_path / "warehouse")])  # fmt: skip
    assert done.exit_code == 1
    *_, last = [json.loads(line) for line in done.stderr.splitlines()]
    assert (last["level"], last["event"], last["exit_code"]) == ("error", "failed", 1)
    assert last["run_id"]
    assert not run_log.is_json()


def test_without_being_asked_for_nothing_is_logged_and_a_run_in_a_run_keeps_its_id(capsys):
    run_log.tell("ingest", "unheard")
    assert capsys.readouterr().err == ""
    assert run_log.run_id() is None
    with run_log.run_of() as outer, run_log.run_of() as inner, run_log.json_lines():
        report(Step("eu: ingest", 1, 2))
        report(Step("eu: ingest", 2, 2, "archives"))
    assert outer == inner
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["region"], line["event"], line["done"]) for line in lines] == [
        ("eu", "ingest", 1),
        ("eu", "ingest", 2),
    ]
