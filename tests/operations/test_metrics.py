"""What Prometheus reads of a warehouse, by its own parser, and when the disk stops fitting."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingestion.books import region_file
from operations import forecast, metrics, status
from operations.incidents import causes
from operations.incidents.report import report
from settings import Settings
from tests.ingestion import conftest

clock, zone = conftest.clock, conftest.zone
GIB = 1 << 30


def parsed(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples
    }  # fmt: skip


def test_the_file_has_books_backlog_and_open_incidents_and_prometheus_reads_it(zone):
    zone.archive({}, "{", {})
    zone.load()
    zone.archive({}, start=3)
    with region_file(zone.settings, "eu") as con:
        status.write_snapshot(con, zone.settings, "eu")
    report(zone.settings, [causes.of_failure("No space left on device", "eu", "ingest")], judged=())
    metrics.write(zone.settings)
    found = parsed(metrics.metrics_file(zone.settings).read_text())
    eu = ("region", "eu")
    assert found["romi_archives", (("kind", "events"), eu, ("state", "loaded"))] == 1
    assert found["romi_records", (("fate", "dead_letter"), ("reason", "malformed_json"), eu)] == 1
    assert found["romi_backlog_archives", (eu,)] == 1
    assert found["romi_incidents_open", (("kind", "disk_full"), ("severity", "minor"))] == 1
    assert found["romi_capacity_free_bytes", ()] > 0


def test_metrics_name_no_person_order_or_campaign(zone):
    zone.archive({})
    zone.load()
    with region_file(zone.settings, "eu") as con:
        snapshot = status.write_snapshot(con, zone.settings, "eu")
    text = metrics.as_text(zone.settings, {"eu": json.loads(json.dumps(snapshot, default=str))}, {})
    labels = {name for _, pairs in parsed(text) for name, _ in pairs}
    assert labels <= {"region", "kind", "state", "fate", "reason", "slo", "window", "severity"}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    return Settings(warehouse=tmp_path, retention={"raw_days": 100})


def stops(settings, monkeypatch, free, last=28_000, before=28_000, events=100_000, size=GIB):
    monkeypatch.setattr(forecast.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    measures = [{"events": events, "last_28_days": last, "28_days_before": before, "bytes": size}]
    return forecast.forecast(settings, measures)["stops_fitting_on"]


def test_a_warehouse_that_grows_no_more_fits_for_years(settings, monkeypatch):
    assert stops(settings, monkeypatch, free=2 * GIB) is None, "1,000 come and go each day"


def test_one_that_grows_stops_fitting_on_a_day_that_is_nearer_the_less_is_free(settings, monkeypatch):
    days = [stops(settings, monkeypatch, free=free * GIB, last=42_000) for free in (1.1, 2, 8)]
    assert days == sorted(days)
    assert "2026-03-20" < days[0] < days[1] < days[2]


def test_without_room_to_rewrite_the_largest_file_it_has_stopped_already(settings, monkeypatch):
    assert stops(settings, monkeypatch, free=GIB // 2) == "2026-03-21"


def test_an_empty_warehouse_has_no_forecast_to_fear(settings, monkeypatch):
    assert stops(settings, monkeypatch, free=GIB, last=0, before=0, events=0, size=0) is None
