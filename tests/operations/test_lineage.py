"""OpenLineage events, by the library's own classes, and what becomes of those that cannot be sent."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import attr
import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from openlineage.client import event_v2
from openlineage.client.generated import base
from referencing import Registry, Resource

from operations.lineage.datasets import Dataset, read_by
from operations.lineage.emitter import Emitter
from settings import Settings

RUN = ("0194f3c2-7c1e-7b6e-9e3f-3f7b2a1d5c10", "run")
JOB = ("0194f3c2-7c1e-7b6e-9e3f-3f7b2a1d5c11", "publish")


SCHEMAS = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema))
    for path in (Path(__file__).parent / "openlineage").glob("*.json") for schema in [json.loads(path.read_text())]
)  # fmt: skip


def check_schema(url: str, value: dict) -> None:
    """Against the published JSON Schema of that address."""
    Draft202012Validator({"$ref": url}, registry=SCHEMAS, format_checker=FormatChecker()).validate(value)


def as_valid(event: dict) -> dict:
    """The event, if it and its facets keep the published schemas and the library's classes take them."""
    facets = [
        *event["run"]["facets"].values(), *event["job"]["facets"].values(),
        *(facet for one in event["outputs"] for kind in ("facets", "outputFacets") for facet in one[kind].values()),
    ]  # fmt: skip
    check_schema(event["schemaURL"], event)
    for facet in facets:
        check_schema(facet["_schemaURL"], facet)
    known = {kind._get_schema(): kind for kind in _kinds(base.BaseFacet)}
    for facet in facets:
        fields = {name: value for name, value in facet.items() if not name.startswith("_")}
        known[facet["_schemaURL"]](**fields, producer=facet["_producer"])
        assert facet["_producer"].startswith("urn:romi-warehouse:")
    made = event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]], eventTime=event["eventTime"], producer=event["producer"],
        run=event_v2.Run(**event["run"]), job=event_v2.Job(**event["job"]),
        inputs=[event_v2.InputDataset(**one) for one in event["inputs"]],
        outputs=[event_v2.OutputDataset(**one) for one in event["outputs"]],
    )  # fmt: skip
    assert {one.name for one in attr.fields(event_v2.RunEvent)} >= event.keys()
    assert made.schemaURL == event["schemaURL"]
    return event


def _kinds(kind: type) -> set[type]:
    return {kind}.union(*(_kinds(one) for one in kind.__subclasses__()))


def to(**where) -> Emitter:
    return Emitter(Settings(monitoring={"openlineage": {"namespace": "shop", **where}}))


def send(emitter: Emitter) -> None:
    table = Dataset("shop", "published.finance.romi_daily", (("date", "DATE"), ("spend", "DECIMAL(18,2)")), 7, 3)
    emitter.emit("START", JOB, parent=RUN, inputs=[Dataset("shop", "eu.finance.romi_daily")])
    emitter.emit("COMPLETE", JOB, parent=RUN, outputs=[table], at=datetime(2026, 3, 1, tzinfo=UTC))
    emitter.emit("FAIL", RUN, error="eu: ingest failed")


def test_events_are_lines_of_a_file_that_the_library_takes(tmp_path: Path):
    path = tmp_path / "log" / "events.jsonl"
    emitter = to(file=path)
    send(emitter)
    start, complete, fail = [as_valid(json.loads(line)) for line in path.read_text().splitlines()]
    assert [one["eventType"] for one in (start, complete, fail)] == ["START", "COMPLETE", "FAIL"]
    assert start["run"]["facets"]["parent"]["run"]["runId"] == RUN[0]
    [table] = complete["outputs"]
    assert (table["namespace"], table["facets"]["version"]["datasetVersion"]) == ("shop", "3")
    assert table["facets"]["schema"]["fields"][1] == {"name": "spend", "type": "DECIMAL(18,2)", "fields": []}
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 7
    assert complete["eventTime"] == "2026-03-01T00:00:00+00:00"
    assert fail["run"]["facets"]["errorMessage"]["message"] == "eu: ingest failed"
    assert emitter.warning() is None


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda one: one.pop("job"), "'job' is a required property"),
        (lambda one: one["run"].update(runId="7"), "'7' is not a 'uuid'"),
        (lambda one: one["outputs"][0]["facets"]["schema"].pop("_producer"), "is not valid under any of the given"),
    ],
)
def test_the_published_schemas_refuse_what_is_no_such_event(tmp_path: Path, spoil, said):
    send(to(file=tmp_path / "events"))
    event = json.loads((tmp_path / "events").read_text().splitlines()[1])
    spoil(event)
    with pytest.raises(ValidationError, match=said):
        check_schema(event["schemaURL"], event)


@pytest.fixture
def endpoint():
    """An endpoint that answers with the status set in it, and keeps what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.heard.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.heard, server.status = [], 201
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_endpoint_gets_them_with_the_key_of_the_environment(endpoint, monkeypatch):
    monkeypatch.setenv("ROMI_OPENLINEAGE_KEY", "k3y")
    emitter = to(url=f"http://127.0.0.1:{endpoint.server_port}")
    send(emitter)
    assert [as_valid(event)["eventType"] for _, _, event in endpoint.heard] == ["START", "COMPLETE", "FAIL"]
    assert {told[:2] for told in endpoint.heard} == {("/api/v1/lineage", "Bearer k3y")}
    assert emitter.warning() is None


def test_an_endpoint_that_refuses_is_asked_once_and_said_and_nothing_fails(endpoint):
    endpoint.status = 503
    place = f"http://127.0.0.1:{endpoint.server_port}"
    emitter = to(url=place)
    send(emitter)
    assert len(endpoint.heard) == 1
    assert emitter.warning() == (
        f"3 events of OpenLineage were not sent to {place}: HTTP 503; figures do not depend on them"
    )


def test_what_cannot_be_reached_or_written_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    nobody, blocked = to(url="http://127.0.0.1:1"), to(file=tmp_path / "file" / "events.jsonl")
    send(nobody)
    send(blocked)
    assert "http://127.0.0.1:1: ConnectionError; " in nobody.warning()
    assert "file" in blocked.warning()


def test_the_landing_zone_goes_by_the_names_of_its_store():
    on_disk, in_bucket = Settings(landing="/srv/landing/"), Settings(landing="s3://lake/romi?region=eu-central-1")
    assert read_by(on_disk, "romi", "ingest", ["eu"]) == [Dataset("file", "/srv/landing/eu")]
    assert read_by(in_bucket, "romi", "ingest", ["eu"]) == [Dataset("s3://lake", "romi/eu")]
    assert read_by(on_disk, "romi", "backup", ["eu"]) == []
