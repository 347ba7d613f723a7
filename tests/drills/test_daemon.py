"""Dagster's daemon by itself: schedules, sensors and the queue take a backlog to published figures, no hand laid on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from orchestration import pipeline
from settings import Settings
from tests.end_to_end import conftest
from tests.end_to_end.conftest import Shop, campaign, order, page

pytestmark = pytest.mark.slow
shop = conftest.shop
ROOT = Path(__file__).resolve().parents[2]
LONGEST = 900  # seconds until the figures stand, on a slow machine
CONFIG = "regions: {eu: {}, us: {}}\nprivacy: {k_anonymity: 1}\n"
DAYS = (1, 12, 13, 14)
SENSORS = ("backlog", "pending_days", "settled_regions")


def land(shop: Shop, day: int) -> None:
    at, person = f"2026-03-{day:02}", f"a-{day}"
    for region in ("eu", "us"):
        visit = page(f"{region}-p{day}", f"{at}T10:00:00Z", person, context=campaign("google", "cpc", "brand"))
        bought = order(f"{region}-o{day}", f"{at}T12:00:00Z", f"{region}-{day}", 10 * day, person)
        shop.archive(region, 2 * DAYS.index(day), [visit, bought])
        shop.table(region, f"ledger/{at}.csv", [{
            "order_id": f"{region}-{day}", "ordered_at": f"{at}T12:00:00Z", "status": "completed", "revenue": 10 * day,
            "refunded": "", "cogs": day, "currency": "EUR", "updated_at": f"{at}T12:00:00Z",
        }])  # fmt: skip


@contextmanager
def daemon(shop: Shop) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster as `make ui` starts it, with the three sensors of the pipeline on; what it says goes to a file."""
    home = shop.warehouse / "dagster"
    told = {**os.environ, "DAGSTER_HOME": str(home), "PYTHONPATH": str(ROOT)}
    tool = [sys.executable, "-m", "dagster"]
    place = ["-w", str(ROOT / "workspace.yaml")]
    for sensor in SENSORS:
        subprocess.run([*tool, "sensor", "start", sensor, *place], cwd=shop.folder, env=told, check=True)
    with (shop.folder / "daemon.log").open("wb") as log:
        server = subprocess.Popen([*tool, "dev", *place, "-p", "0"], cwd=shop.folder, env=told, stdout=log, stderr=log)
        try:
            yield server
        finally:
            server.send_signal(signal.SIGINT)  # as Ctrl-C does: what it started ends with it
            server.wait()


def runs(shop: Shop) -> list[dg.DagsterRun]:
    with pipeline.instance(Settings(warehouse=shop.warehouse)) as instance:
        return [run for run in instance.get_runs() if "romi/run" not in run.tags]


def test_the_daemon_alone_takes_a_backlog_of_two_regions_to_the_figures_of_a_run_by_hand(shop, tmp_path_factory):
    shop.configure(CONFIG)
    land(shop, 1)
    assert shop.romi("run")[0] == 0
    by_hand = Shop(tmp_path_factory.mktemp("by_hand"))
    by_hand.configure(CONFIG)
    for day in DAYS:
        land(by_hand, day)
    assert by_hand.romi("run")[0] == 0

    for day in (14, 12, 13):  # out of order
        land(shop, day)
    expected, until = by_hand.rows(), time.monotonic() + LONGEST
    with daemon(shop) as server:
        while shop.rows() != expected and time.monotonic() < until:
            with pytest.raises(subprocess.TimeoutExpired):  # it is still there
                server.wait(timeout=2)
    assert shop.rows() == expected
    done = runs(shop)
    assert {run.job_name for run in done} >= {"ingest", "rebuild", "publish"}
    assert [run.job_name for run in done if run.status == dg.DagsterRunStatus.FAILURE] == []
    assert shop.romi("incidents", "list")[1]["incidents"] == []
    assert shop.romi("run")[1]["rebuilt_days"] == 0  # nothing is left to do
