"""What dbt makes of the project: nothing written beside it, nothing lost by an edit, and faults told by their line."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingestion.books import region_file
from operations.rebuilding.engine import DBT_PROJECT, ModelError, engine_of, manifest, on_duckdb, project
from operations.rebuilding.engine.errors import ProjectError, cause_of
from settings import Settings

COSTS = "models/intermediate/spend/int_spend__daily_costs.sql"


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the project that a test may edit, with a cache of its own."""
    folder = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT, folder)
    monkeypatch.setattr(project, "DBT_PROJECT", folder)
    monkeypatch.setenv("ROMI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "keys"))
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def _checks(found: dict) -> list[str]:
    tests = [node for node in found["nodes"].values() if node["resource_type"] == "test"]
    return sorted(f"{one['unique_id']}: {one['description']}" for one in tests)


def test_an_edited_macro_loses_no_check_and_a_parse_leaves_the_source_tree_as_it_was(copied, monkeypatch):
    before, files = _checks(manifest()), _files(copied)
    edit(copied / "macros" / "money.sql", "{% macro", "{#- Edited. -#}\n{% macro")
    assert _checks(manifest()) == before
    assert len(before) > 30
    assert not any(one.endswith(": ") for one in before)
    assert _files(copied) == files
    monkeypatch.setattr(project, "_parse", lambda: pytest.fail("parsed, although it is kept"))
    assert _checks(manifest()) == before
    project._in_memory.clear()
    kept = json.loads(json.dumps(project.parsed().writable_manifest().to_dict(omit_none=False)))
    assert {name: part for name, part in kept.items() if name != "metadata"} == {
        name: part for name, part in manifest().items() if name != "metadata"
    }


def test_without_a_place_to_keep_it_what_is_made_of_the_project_is_given_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ROMI_CACHE", str(tmp_path / "file"))
    made = iter((b"once", b"twice"))
    assert [project.kept("a name", lambda: next(made)) for _ in range(2)] == [b"once", b"twice"]


@pytest.mark.slow
def test_without_a_place_to_keep_it_the_project_is_parsed_all_the_same(copied, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ROMI_CACHE", str(tmp_path / "file"))
    assert _checks(manifest())


@pytest.mark.parametrize(
    ("wrong", "line", "cause"),
    [
        ("{{ ref('int_spend__campaigns') }", 4, "'}'"),
        pytest.param("{{ ref('int_spend__campains') }}", 4, "int_spend__campains", marks=pytest.mark.slow),
    ],
)
def test_what_cannot_be_parsed_is_told_by_file_and_line(copied, wrong, line, cause):
    text = (copied / COSTS).read_text()
    lines = text.splitlines()
    lines[3:3] = [f"-- {wrong}"]
    (copied / COSTS).write_text("\n".join(lines) + "\n")
    with pytest.raises(ProjectError) as caught:
        manifest()
    assert f"{COSTS}:{line}: " in str(caught.value)
    assert cause in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_typo_in_a_column_is_told_by_the_model_its_line_and_the_cause(copied, tmp_path):
    place = copied / "models" / "staging" / "spend" / "stg_spend__daily_costs.sql"
    edit(place, "impressions", "impresions")
    line = next(number for number, text in enumerate(place.read_text().splitlines(), 1) if "impresions" in text)
    settings = Settings(warehouse=tmp_path / "w", regions={"eu": {}})
    with region_file(settings, "eu"):
        pass
    with pytest.raises(ModelError) as caught:
        engine_of(settings).build(settings, "eu", date(2026, 1, 1), date(2026, 1, 2))
    told = str(caught.value)
    assert told.startswith("eu: dbt could not build int_spend__")
    assert f"models/staging/spend/stg_spend__daily_costs.sql:{line}: Binder Error" in told
    assert "impresions" in told
    assert "\n" not in told


@pytest.mark.parametrize(
    "said",
    [
        "Runtime Error in model x (models/x.sql)\n  Conversion Error: Could not convert string 'ann@x.de' to INT32",
        'Runtime Error in model x (models/x.sql)\n  Constraint Error: Duplicate key "id: ann@x.de"',
        "Runtime Error in model x (models/x.sql)\n  Python model failed:\nTraceback:\nValueError: ann@x.de\n",
        "Runtime Error in model x (models/x.sql)\n  Invalid Input Error: Binder Error: ann@x.de",
    ],
)
def test_what_the_data_bring_about_quotes_none_of_them(said, tmp_path):
    told = str(cause_of(said, tmp_path))
    assert told.startswith("models/x.sql: ")
    assert "ann" not in told
    assert "Error" in told


def test_dbt_duckdb_still_holds_its_database_where_it_is_taken_from_it():
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    assert hasattr(DuckDBConnectionManager, "_ENV")
    on_duckdb._release()  # with nothing held
    assert duckdb.__version__
