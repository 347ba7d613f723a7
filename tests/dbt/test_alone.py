"""An analytics engineer runs the project by hand: from a fresh clone, and never in a region's file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from operations.rebuilding.engine import DBT_PROJECT, manifest


def _dbt(folder: Path, *command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ROMI_REGION_FILE"}
    places = ["--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT]
    writes = ["--target-path", folder / "target", "--log-path", folder / "logs"]
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), *command, *places, *writes],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_part_of_the_project_is_built_by_hand_in_a_file_of_its_own(tmp_path):
    _dbt(tmp_path, "build", "--select", "+spend_daily", "--indirect-selection", "buildable")
    [file] = tmp_path.rglob("*.duckdb")
    assert file == tmp_path / "target" / "alone" / "regions" / "eu.duckdb"
    with duckdb.connect(str(file), read_only=True) as con:
        assert con.execute("select count(*) from finance.spend_daily").fetchall() == [(0,)]


@pytest.mark.slow
def test_all_of_it_is_built_and_documented_by_hand(tmp_path):
    _dbt(tmp_path, "build")
    _dbt(tmp_path, "docs", "generate")
    catalog = json.loads((tmp_path / "target" / "catalog.json").read_text())
    assert "model.romi.romi_daily" in catalog["nodes"]
    assert (tmp_path / "target" / "index.html").stat().st_size > 100_000


def test_exposures_say_who_reads_the_marts():
    found = manifest()["exposures"].values()
    read = {one["name"]: set(one["depends_on"]["nodes"]) for one in found}
    marts = {
        name
        for name, node in manifest()["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] == "finance"
    }
    assert set(read) == {"report", "workbook", "postgres", "released"}
    assert read["postgres"] == marts
    assert read["report"] | read["workbook"] <= marts
