"""An ingest killed at 200 random moments ends at the tables of one that was not: nothing lost, nothing twice."""

import multiprocessing
import os
import random
import time

import pytest

from ingestion import load, parsing
from ingestion.books import region_file
from quality.books import book_checks
from settings import Settings
from tests.ingestion.conftest import Zone
from tests.ingestion.test_killed_loads import land

ENVIRONMENT = {
    "ROMI_NOW": "2026-03-10T12:00:00Z", "ROMI_KEY_EU_PSEUDONYM": "11" * 32, "ROMI_KEY_EU_SEAL": "22" * 32
}  # fmt: skip


def ingest(landing, warehouse):
    """In a process of its own, with many small commits."""
    os.environ |= ENVIRONMENT
    parsing._COMMIT_RECORDS, parsing._TASK_ARCHIVES = 60, 2
    load.load_region(Settings(landing=landing, warehouse=warehouse), "eu")


@pytest.fixture
def start(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    context = multiprocessing.get_context("forkserver")
    # All that a child needs is imported once, before it is forked: what is killed is the load, not an import.
    context.set_forkserver_preload([__name__])

    def started(zone):
        process = context.Process(target=ingest, args=(str(zone.landing), str(zone.warehouse)))
        process.start()
        return process

    return started


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_an_ingest_killed_at_random_moments_loses_nothing_and_loads_nothing_twice(start, tmp_path, kills):
    calm = land(Zone(tmp_path / "calm"), archives=12)
    start(calm).join()
    begun = time.monotonic()
    start(land(Zone(tmp_path / "timed"), archives=12)).join()
    seconds = time.monotonic() - begun
    rng, killed, rounds = random.Random(kills), 0, 0
    while killed < kills:
        zone, is_done = land(Zone(tmp_path / f"round{rounds}"), archives=12), False
        while not is_done:
            process = start(zone)
            process.join(rng.uniform(0, seconds) if killed < kills else None)
            is_done = process.exitcode == 0
            if process.is_alive():
                process.kill()
                process.join()
                killed += 1
        assert zone.facts() == calm.facts()
        with region_file(zone.settings, "eu", read_only=True) as con:
            assert all(check.is_passed for check in book_checks(con) if check.name == "books_balance")
        rounds += 1
    assert killed == kills
