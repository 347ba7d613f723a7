"""One run as whoever collects its logs sees it, by one id through logs, Dagster, dbt and the book of incidents."""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import dagster as dg
import pytest
from click.testing import CliRunner

from ingestion.books import region_file
from operations import run_log
from operations.incidents import book
from operations.progress import Step, report
from orchestration import lineage, pipeline
from orchestration.cli.main import main
from orchestration.definitions import defs
from orchestration.defs.transform import assets as transform
from orchestration.outcome import Outcome
from orchestration.partitions import range_tags
from settings import Settings, load_settings
from settings.sections import Monitoring, OpenLineage
from tests.end_to_end.conftest import NOW, Shop, campaign, order, page
from tests.end_to_end.test_main_job import K1, ledger_row
from tests.operations.test_lineage import as_valid


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """A shop after a run with a corrupt archive: its settings, what the run printed, and dbt's events."""
    shop = Shop(tmp_path_factory.mktemp("seen"))
    told = shop.folder / "events.jsonl"
    shop.configure(K1 + f"monitoring: {{logs: json, openlineage: {{file: {told}, namespace: shop}}}}\n")
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
    monkeypatch.setattr(pipeline, "run", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
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


def lineage_of(settings) -> list[dict]:
    return [as_valid(json.loads(line)) for line in settings.monitoring.openlineage.file.read_text().splitlines()]


def test_lineage_tells_of_the_run_its_jobs_and_what_was_published(seen):
    settings, outcome, _, _ = seen
    events = lineage_of(settings)
    told = [(one["eventType"], one["job"]["name"]) for one in events]
    assert (told[0], told[-1]) == (("START", "run"), ("COMPLETE", "run"))
    for job in ("ingest.eu", "rebuild.eu", "publish"):
        assert told.index(("START", job)) < told.index(("COMPLETE", job))
    assert {one["run"]["runId"] for one in events if one["job"]["name"] == "run"} == {outcome["run_id"]}
    parents = {one["run"]["facets"]["parent"]["run"]["runId"] for one in events if one["job"]["name"] != "run"}
    assert parents == {outcome["run_id"]}
    with pipeline.instance(settings) as journal:
        known = {run.run_id for run in journal.get_runs()}
    assert {one["run"]["runId"] for one in events if one["job"]["name"] != "run"} == known
    published = {one["name"]: one for one in events[-1]["outputs"]}
    table = published["published.finance.orders_daily"]
    assert table["outputFacets"]["outputStatistics"]["rowCount"] >= 1
    assert table["facets"]["version"]["datasetVersion"] == str(outcome["version"])
    assert {one["name"] for one in events[-1]["inputs"]} == {str(Path(settings.landing).absolute() / "eu")}


def test_a_run_of_the_daemon_is_told_once_it_has_ended_and_no_value_of_the_data_is(seen, tmp_path):
    settings = load_settings(None, warehouse=seen[0].warehouse)
    where = OpenLineage(file=tmp_path / "events.jsonl")
    settings = settings.model_copy(update={"monitoring": Monitoring(openlineage=where)})
    with pipeline.instance(seen[0]) as journal:
        record = next(one for one in journal.get_run_records() if one.dagster_run.job_name == "rebuild")
    assert lineage.tell_ended(settings, record, "eu") == []
    assert lineage.tell_ended(settings, record, "eu", ("ann@example.com is no number", "ConversionException")) == []
    assert lineage.tell_ended(settings, record, "eu", ("eu: no rate", "PermanentError")) == []
    start, complete, _, odd, _, ours = lineage_of(settings)
    assert (start["run"]["runId"], complete["run"]["runId"]) == (record.dagster_run.run_id,) * 2
    assert datetime.fromisoformat(start["eventTime"]).timestamp() == pytest.approx(record.start_time)
    assert {one["name"] for one in complete["outputs"]} >= {"eu.finance.romi_daily"}
    assert odd["run"]["facets"]["errorMessage"]["message"] == "unexpected ConversionException"
    assert ours["run"]["facets"]["errorMessage"]["message"] == "eu: no rate"


def test_a_publishing_run_of_the_daemon_names_tables_only_of_a_version_that_it_made(seen, tmp_path):
    settings = seen[0].model_copy(
        update={"monitoring": Monitoring(openlineage=OpenLineage(file=tmp_path / "events.jsonl"))}
    )
    built_at = datetime.fromisoformat(NOW).timestamp()
    run = SimpleNamespace(job_name="publish", run_id=str(uuid4()))
    for start in (built_at - 1, built_at + 1):
        record = SimpleNamespace(dagster_run=run, start_time=start, end_time=start + 2)
        assert lineage.tell_ended(settings, record, None) == []
    made, other = [one for one in lineage_of(settings) if one["eventType"] == "COMPLETE"]
    assert "published.finance.romi_daily" in {one["name"] for one in made["outputs"]}
    assert other["outputs"] == []


def test_a_run_that_fails_is_told_as_failed_however_it_ends(tmp_path):
    where = {"openlineage": {"file": tmp_path / "events.jsonl"}}
    settings = Settings(warehouse=tmp_path / "warehouse", landing=str(tmp_path), monitoring=where)
    with run_log.run_of() as run_id:
        outcome = Outcome(regions=["eu"])
        with lineage.run_told(settings, outcome, run_id, loads=True):
            outcome.fail("eu: ingest", "42 is odd")
        with pytest.raises(ZeroDivisionError), lineage.run_told(settings, Outcome(), run_id, loads=False):
            _ = 1 / 0
    started, failed, _, broken = lineage_of(settings)
    assert started["inputs"] == failed["inputs"] != []
    assert failed["run"]["facets"]["errorMessage"]["message"] == "1 failed: eu: ingest"
    assert (broken["eventType"], broken["inputs"]) == ("FAIL", [])
    assert broken["run"]["facets"]["errorMessage"]["message"] == "unexpected ZeroDivisionError"


def test_events_that_cannot_be_sent_are_a_warning_of_a_run_that_goes_on(tmp_path):
    settings = Settings(warehouse=tmp_path, monitoring={"openlineage": {"url": "http://127.0.0.1:1"}})
    outcome = Outcome()
    with run_log.run_of() as run_id, lineage.run_told(settings, outcome, run_id, loads=False):
        pass
    assert outcome.warnings == ["2 events of OpenLineage were not sent to http://127.0.0.1:1: ConnectionError;"
                                " figures do not depend on them"]  # fmt: skip
    assert outcome.exit_code == 0


def test_a_dbt_test_that_failed_as_an_asset_check_leads_to_its_runbook(seen, tmp_path):
    shutil.copytree(seen[0].warehouse.parent, tmp_path / "copy", symlinks=True)
    settings = load_settings(tmp_path / "copy" / "romi.yaml", warehouse=tmp_path / "copy" / "warehouse",
                             landing=str(tmp_path / "copy" / "landing"))  # fmt: skip
    check = dg.AssetCheckKey(dg.AssetKey(["intermediate", "int_sessions__touchpoints"]), "every_touch_has_a_channel")
    with region_file(settings, "eu") as con:
        con.execute("update intermediate.int_sessions__touchpoints set channel = null")
    graph = defs().get_repository_def().asset_graph
    job = dg.define_asset_job("chosen", dg.AssetSelection.checks(check)).resolve(asset_graph=graph)
    place = {"landing": settings.landing, "warehouse": str(settings.warehouse)}
    with pipeline.instance(settings) as journal:
        done = job.execute_in_process(
            instance=journal, run_config={"resources": {"warehouse": {"config": place}}}, raise_on_error=False,
            tags=range_tags("eu", date(2026, 3, 1), date(2026, 3, 1)),
        )  # fmt: skip
    [found] = done.get_asset_check_evaluations()
    assert (found.check_name, found.passed) == (check.name, False)
    assert str(found.metadata["runbook"].value).startswith("[Days are withheld](docs/runbooks.md#days-are-withheld)")
