"""A run that is killed at any moment is followed by one that ends as if nothing had happened; no reader notices."""

from __future__ import annotations

import json
import random
import shutil
from datetime import date
from pathlib import Path

import pytest

from operations import sample_shop
from operations.service_levels.probe import look
from settings import load_settings
from tests.drills.nursery import Nursery
from tests.end_to_end.conftest import Shop

# What a run imports, done once.
IMPORTS = """
from pathlib import Path
from orchestration import jobs, pipeline
from operations.publishing import publish
from operations.store.locks import exclusive
from operations.rebuilding.engine import manifest
from settings import load_settings
import dbt.adapters.duckdb, dbt.cli.main
jobs.definitions()
pipeline.warm_up = lambda: None
"""
RUN = "outcome = pipeline.run(settings, config)\nassert outcome.exit_code == 0, vars(outcome)"
UP_TO_PUBLISH = f"import os\npublish.publish = lambda *_, **__: os._exit(7)\n{RUN}"
PUBLISH = "with exclusive(settings):\n    publish.publish(settings)"


class Drill:
    """A shop whose warehouse has one version, and news in the landing zone."""

    def __init__(self, shop: Shop, nursery: Nursery) -> None:
        self.shop, self.nursery = shop, nursery
        shop.configure(sample_shop.config_yaml())
        sample_shop.write_landing(shop.landing, until=date(2026, 3, 19), days=3, events=300, regions=("eu",), dirt=0.05)
        archives = sorted(shop.landing.glob("eu/events/topics/**/partition=*/**/*+*+*"))
        news = archives[len(archives) // 2 :]
        for path in news:
            path.rename(path.with_name(f"_{path.name}"))  # not there yet
        assert self.run(RUN)[0] == 0
        self.before = shop.rows()
        for path in news:
            path.with_name(f"_{path.name}").rename(path)
        self.keep("base")
        status, self.seconds = self.run(RUN)
        assert status == 0
        self.after, self.records = shop.rows(), self._records()
        assert self.after != self.before

    def run(self, code: str, kill_after: float | None = None) -> tuple[int, float]:
        config = self.shop.folder / "romi.yaml"
        places = f"landing={str(self.shop.landing)!r}, warehouse=Path({str(self.shop.warehouse)!r})"
        return self.nursery.run(
            f"config = Path({str(config)!r})\nsettings = load_settings(config, {places})\n{code}", kill_after
        )

    def keep(self, name: str) -> None:
        shutil.copytree(self.shop.warehouse, self.shop.folder / name, symlinks=True)
        for beside in self.shop.folder.glob("warehouse.keys.*/"):  # what is remembered beside the keys
            shutil.rmtree(self.shop.folder / f"{name} {beside.name}", ignore_errors=True)
            shutil.copytree(beside, self.shop.folder / f"{name} {beside.name}")

    def put_back(self, name: str) -> None:
        shutil.rmtree(self.shop.warehouse)
        shutil.copytree(self.shop.folder / name, self.shop.warehouse, symlinks=True)
        for beside in self.shop.folder.glob("warehouse.keys.*/"):
            shutil.rmtree(beside)
            if (kept := self.shop.folder / f"{name} {beside.name}").exists():
                shutil.copytree(kept, beside)

    def check_readers(self) -> None:
        """Whole, of one version, and either the last good one or the new one."""
        found = look(load_settings(self.shop.folder / "romi.yaml", warehouse=self.shop.warehouse))
        assert found.ok, found.reason
        assert self.shop.rows() in (self.before, self.after)

    def check_end(self) -> None:
        assert self.shop.rows() == self.after
        assert self._records() == self.records
        assert not list(self.shop.warehouse.glob("versions/.*"))

    def _records(self) -> dict:
        return json.loads((self.shop.warehouse / "status" / "eu.json").read_text())["records"]


@pytest.fixture(scope="module")
def drill(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
        patch.delenv("ROMI_KEY_FILE", raising=False)
        with Nursery(IMPORTS) as nursery:
            yield Drill(Shop(tmp_path_factory.mktemp("drill")), nursery)


@pytest.mark.slow  # operations/publishing/test_publish.py and ingestion/test_killed_loads.py kill at each step
@pytest.mark.parametrize("kills", [1, 40])
def test_run_killed_at_random_moments_ends_at_the_same_tables(drill, kills):
    rng, killed, in_a_row = random.Random(kills), 0, 0
    drill.put_back("base")
    while killed < kills:
        status, _ = drill.run(RUN, rng.uniform(0.02, 0.95) * drill.seconds)
        killed, in_a_row = killed + (status == -9), in_a_row + 1
        drill.check_readers()
        if status == 0 or in_a_row == 2 or killed == kills:
            assert drill.run(RUN)[0] == 0
            drill.check_end()
            assert not list(drill.shop.warehouse.glob("staging/*"))
            drill.put_back("base")
            in_a_row = 0


@pytest.mark.slow  # test_readers.py kills publishing beside readers
@pytest.mark.parametrize("kills", [2, 60])
def test_publish_killed_at_random_moments_leaves_the_last_good_version_and_the_next_completes(drill, kills):
    drill.put_back("base")
    assert drill.run(UP_TO_PUBLISH)[0] == 7
    built: Path = drill.shop.folder / "built"
    shutil.rmtree(built, ignore_errors=True)
    drill.keep("built")
    status, seconds = drill.run(PUBLISH)
    assert (status, drill.shop.rows()) == (0, drill.after)
    rng, killed = random.Random(kills), 0
    while killed < kills:
        drill.put_back("built")
        status, took = drill.run(PUBLISH, rng.uniform(0, 1) * seconds)
        if status == 0:
            seconds = min(seconds, took)  # the machine is quicker now
            continue
        killed += 1
        drill.check_readers()
        assert drill.run(PUBLISH)[0] == 0
        drill.check_end()
