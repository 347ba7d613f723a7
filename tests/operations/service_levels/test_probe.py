"""The prober reads what is published as finance does, and books what it finds."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import dagster as dg
import pytest

from operations.register import register_audit
from operations.retention import retention
from operations.service_levels.probe import look, probe, probes
from operations.store.locks import exclusive
from orchestration.defs.publish.sensors import availability
from orchestration.warehouse import Warehouse
from settings import Settings, now
from tests.operations import marts
from tests.operations.marts import build, publish_now

settings, shown_eu = marts.settings, marts.shown_eu


@pytest.fixture
def shop(settings, monkeypatch) -> Settings:
    monkeypatch.setenv("ROMI_NOW", "2026-06-01T12:00:00Z")
    with exclusive(settings):
        build(settings, "eu")
    return settings


def test_a_probe_reads_a_row_of_each_table_and_is_booked(shop):
    assert probe(shop).reason == "nothing is published"
    assert list(probes(shop, now() - timedelta(days=1))) == []  # there was nothing to be available yet

    publish_now(shop)
    found = probe(shop)
    assert (found.ok, found.version, found.reason) == (True, 1, None)
    assert found.ms > 0
    book = shop.warehouse / "probes" / "2026-06-01.jsonl"
    assert json.loads(book.read_text()) == {
        "at": "2026-06-01T12:00:00+00:00", "ok": True, "ms": found.ms, "version": 1, "reason": None,
    }  # fmt: skip
    assert (book.stat().st_mode & 0o777, book.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not [line for line in register_audit.audit(shop, lambda _: {}) if "probes" in line]


def test_what_finance_cannot_read_is_booked_with_its_reason_and_a_line_cut_short_is_none(shown_eu):
    version = shown_eu.versions_dir / "000001"
    os.rename(version / "released.duckdb", version / "gone.duckdb")
    assert "cannot be read (IOException)" in probe(shown_eu).reason
    os.rename(version / "gone.duckdb", version / "released.duckdb")
    os.rename(version, shown_eu.versions_dir / "000007")
    assert probe(shown_eu).reason == "the published version is gone"
    shown_eu.published.unlink()
    shown_eu.published.symlink_to("versions/000007")
    assert probe(shown_eu).reason == "marts.duckdb is not of the version that the link leads to"

    book = shown_eu.warehouse / "probes" / "2026-06-01.jsonl"
    with book.open("a") as file:
        file.write('{"at": "2026-06')
    probe(shown_eu)
    assert [one.ok for one in probes(shown_eu, now() - timedelta(hours=1))] == [False] * 4
    assert list(probes(shown_eu, now() + timedelta(seconds=1))) == []


def test_a_version_that_is_gone_is_booked_though_none_is_left(shown_eu):
    for harm in (lambda: os.rename(shown_eu.versions_dir, shown_eu.warehouse / "moved"), shown_eu.published.unlink):
        harm()
        assert not probe(shown_eu).ok
    assert [one.reason for one in probes(shown_eu, now() - timedelta(hours=1))] == [
        "the published version is gone", "nothing is published",
    ]  # fmt: skip


def test_a_probe_that_cannot_be_booked_says_so_in_a_line(shown_eu):
    from click.testing import CliRunner

    from orchestration.cli.main import main

    (shown_eu.warehouse / "probes").write_text("no folder")
    done = CliRunner().invoke(main, ["probe", "--warehouse", str(shown_eu.warehouse)])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "the probe cannot be booked: File exists: " in done.output


def test_the_published_file_gives_nothing_else_away(shown_eu, monkeypatch):
    from operations.service_levels import probe as prober

    seen = []
    connect = prober.duckdb.connect
    monkeypatch.setattr(prober.duckdb, "connect", lambda *a, **k: seen.append(k) or connect(*a, **k))
    assert look(shown_eu).ok
    assert {(one["read_only"], one["config"]["enable_external_access"], one["config"]["lock_configuration"])
            for one in seen} == {(True, "false", "true")}  # fmt: skip


def test_old_days_of_probes_go_by_their_period(shown_eu, monkeypatch):
    probe(shown_eu)
    monkeypatch.setenv("ROMI_NOW", "2027-07-03T12:00:00Z")
    probe(shown_eu)
    assert retention.find_overdue(shown_eu, lambda _: {})["probes"] == 1
    retention.apply(shown_eu, lambda _: {})
    assert [path.name for path in (shown_eu.warehouse / "probes").iterdir()] == ["2027-07-03.jsonl"]


def test_the_command_fails_when_finance_could_not_read_and_the_sensor_starts_no_run(shop):
    from click.testing import CliRunner

    from orchestration.cli.main import main

    def run(*options: str):
        done = CliRunner().invoke(main, ["probe", "--warehouse", str(shop.warehouse), "--json", *options])
        return done.exit_code, json.loads(done.stdout)

    assert run()[0] == 1
    publish_now(shop)
    code, said = run("--every", "0", "--count", "3")
    assert (code, said["ok"], said["version"], said["probes"], said["failed"]) == (0, True, 1, 3, 0)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, resources={"warehouse": Warehouse(warehouse=str(shop.warehouse))})
        assert "version 1 read in" in availability(context).skip_message
    assert len(list(probes(shop, now() - timedelta(hours=1)))) == 4
    assert availability.default_status == dg.DefaultSensorStatus.STOPPED
