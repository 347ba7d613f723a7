"""Regions built side by side come to what they come to one after another, and one that fails harms no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from orchestration import side_by_side
from tests.end_to_end.conftest import campaign, order, page

REGIONS = ("eu", "us")
ENDS_AT_ONCE = [sys.executable, "-c", "import sys; sys.stdin.buffer.read(1)"]


def land(shop, start, day):
    """Two touches and an order in each region, on a day of March."""
    for region in REGIONS:
        shop.archive(region, start, [
            page(f"{region}-p{start}", f"2026-03-{day}T09:00:00Z", context=campaign("google", "cpc", "brand")),
            page(f"{region}-q{start}", f"2026-03-{day}T11:00:00Z", "a-2"),
            order(f"{region}-o{start}", f"2026-03-{day}T12:00:00Z", f"{region}-{start}", 50),
        ])  # fmt: skip


def configure(shop):
    shop.configure("privacy: {k_anonymity: 1}\n")


def told(outcome):
    return {name: outcome[name] for name in ("version", "withheld", "rebuilt_days", "failures", "warnings")}


@pytest.mark.slow
def test_two_workers_come_to_the_same_tables_books_and_messages_as_one(shop, tmp_path_factory, capfd):
    alone = type(shop)(tmp_path_factory.mktemp("alone"))
    came_to = {}
    for one, workers in ((shop, "2"), (alone, "1")):
        configure(one)
        land(one, 0, "02")
        came_to[workers] = one.romi("run", "--workers", workers)

    assert came_to["2"][0] == came_to["1"][0] == 0
    assert told(came_to["2"][1]) == told(came_to["1"][1])
    assert shop.rows() == alone.rows()
    books = [one.romi("status")[1]["regions"][region]["records"] for one in (shop, alone) for region in REGIONS]
    assert books[:2] == books[2:]
    for region in REGIONS:
        days = []
        for one in (shop, alone):
            with one.region(region) as con:
                days.append(con.execute("select * from ops.days order by day").fetchall())
        assert days[0] == days[1]
        assert days[0]
    assert "leaked semaphore" not in capfd.readouterr().err  # of processes that were ended with nothing more to do


@pytest.fixture
def published(shop):
    """A shop of two regions with a version, and something new in both."""
    configure(shop)
    land(shop, 0, "02")
    assert shop.romi("run", "--workers", "2")[0] == 0
    land(shop, 3, "03")
    return shop


def orders(shop):
    return dict(shop.query("select region, sum(orders)::int from finance.orders_daily group by all"))


@pytest.mark.slow
def test_a_worker_that_ends_by_itself_fails_its_region_alone_and_the_next_run_goes_on(published, monkeypatch):
    start, begun = side_by_side._start, []

    def first_ends(settings):
        begun.append(settings)
        if len(begun) > 1:
            return start(settings)
        return subprocess.Popen(ENDS_AT_ONCE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(side_by_side, "_start", first_ends)
    code, outcome = published.romi("run", "--workers", "2")
    assert (code, outcome["failures"]) == (1, ["eu: rebuild: its process ended before it did"])
    assert orders(published) == {"eu": 1, "us": 2}
    monkeypatch.undo()
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    assert published.romi("run")[0] == 0
    assert orders(published) == {"eu": 2, "us": 2}


@pytest.mark.slow
def test_a_run_that_is_killed_takes_its_workers_with_it_and_the_next_one_goes_on(published):
    command = [sys.executable, "-m", "orchestration.cli.main", "run", "--workers", "2"]
    run = subprocess.Popen(
        [*command, "--landing", "landing"], cwd=published.folder, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip  # its paths are relative, as its workers' are
    assert any("transform" in line for line in run.stderr)  # a worker tells of its build
    run.send_signal(signal.SIGKILL)
    assert published.romi("run")[0] == 0  # it waits until the last process of the other has ended
    assert orders(published) == {"eu": 2, "us": 2}
