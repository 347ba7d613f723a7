"""The register of processing says what is kept, and the audit finds what it does not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.books import region_file
from operations.register import processing, register_audit
from operations.store.locks import exclusive
from settings import Settings

ROOT = Path(__file__).parents[3]


def no_logs(_):
    return {}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    made = Settings(warehouse=tmp_path / "warehouse", landing=str(tmp_path), regions={"eu": {}})
    with exclusive(made), region_file(made, "eu"):
        pass
    return made


def test_the_document_is_what_the_code_says():
    written = (ROOT / "docs" / "register_of_processing.md").read_text()
    assert written == processing.as_markdown(Settings()), "run `make docs`"


def test_every_period_of_the_configuration_is_that_of_a_class():
    assert processing.unused_periods() == set()


def test_a_new_warehouse_is_as_the_register_says(settings):
    assert register_audit.audit(settings, no_logs) == []


def test_tables_columns_and_files_that_nobody_declared_are_found(settings):
    with region_file(settings, "eu") as con:
        con.execute("create table raw.emails (email varchar); alter table raw.spend add column contact varchar")
    (settings.warehouse / "dump.csv").write_text("x")
    (settings.warehouse / "regions" / "my.keys").write_text("x")
    folder = settings.versions_dir / "000001"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"built_at": "2026-03-19T00:00:00"}')
    assert register_audit.audit(settings, no_logs) == [
        "eu.duckdb: raw.emails is not in the register",
        "eu.duckdb: raw.spend has columns that are not in the register: contact",
        "dump.csv is not in the register",
        "regions/my.keys: keys never stand in the warehouse",
        "versions/000001/manifest.json is published and can be written: chmod 440",
    ]


def test_what_a_killed_process_leaves_beside_a_regions_file_is_guarded_by_its_folder(settings):
    left = settings.regions_dir / "eu.duckdb.wal"
    left.write_bytes(b"")
    left.chmod(0o644)
    assert list(register_audit.open_to_others(settings)) == []
    settings.regions_dir.chmod(0o755)
    assert list(register_audit.open_to_others(settings)) == ["regions is open to users other than its owner: chmod 700"]


def test_modes_keys_and_periods_are_looked_at(settings, monkeypatch):
    settings.region_file("eu").chmod(0o644)
    settings.regions_dir.chmod(0o755)
    keys = settings.warehouse.with_name("warehouse.keys")
    keys.chmod(0o640)
    found = register_audit.audit(settings, no_logs)
    # The region's key is in a file that others can read, so what is in its file and its periods is not looked at.
    opened = f"chmod 600 {keys}"
    assert [one.rpartition(": ")[2] for one in found] == [opened, "chmod 700", "chmod 600", "chmod 600",
        "periods cannot be checked (UsageError)"]  # fmt: skip
    for path, mode in ((settings.region_file("eu"), 0o600), (settings.regions_dir, 0o700), (keys, 0o600)):
        path.chmod(mode)
    with region_file(settings, "eu") as con:
        con.execute("""insert into ops.dead_letters
            values (1, 0, 'malformed_json', null, '2026-01-01', 1, 'sealed'::blob, null)""")
    assert register_audit.audit(settings, no_logs) == ["1 past their period: eu: dead letters"]
