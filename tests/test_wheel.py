"""The wheel holds all that a checkout's packages hold, and runs without one."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("settings", "privacy", "ingestion", "quality", "operations", "orchestration", "dbt_project")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from what is committed or staged alone, so that no file that only lies here helps it."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in _tracked():
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(source)], check=True)
    [found] = folder.glob("*.whl")
    return found


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    expected = {name for name in _tracked() if name.split("/")[0] in PACKAGES}
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert held == expected


def test_the_change_log_tells_of_the_version_that_is_built(wheel):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert wheel.name.startswith(f"romi_warehouse-{version}-")
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel_in_an_empty_directory(wheel, tmp_path):
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True)
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1", "ROMI_CACHE": str(tmp_path / "cache")}
    where = "import ingestion, dbt_project; print(ingestion.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=empty, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(site))
    before_last = (date.today().replace(day=1) - timedelta(days=32)).strftime("%Y-%m")
    for command in (["demo"], ["close", before_last]):
        ran = subprocess.run(
            [str(site / "bin" / "romi"), *command], cwd=empty, env=environment, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (empty / "warehouse" / "published" / "marts.duckdb").is_file()
    assert (empty / "warehouse" / "closes" / before_last / "1" / "workbook.xlsx").is_file()
