"""A load that is killed anywhere, and then run again, leaves the tables of one that was not."""

import contextlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion import commit, load, load_tables, parsing, replica, stage
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import order, page
from tests.kit.examples import some

ROOT = Path(__file__).parents[2]


def land(zone: Zone, archives: int = 6, records: int = 40) -> Zone:
    """Archives with copies, dirt and one that is corrupt, and a file of each kind of table."""
    for start in range(archives):
        ids = [(start * records + n) // 2 for n in range(records)]
        made = [(order if n % 5 == 0 else page)(messageId=f"m-{n}", userId=f"u-{n % 7}") for n in ids]
        zone.archive(*made, "{", page(userId=5.5), start=start * 1000, suffix="json.gz" if start % 2 else "json")
    broken = zone.archive(page(), start=999_999, suffix="json.gz")
    broken.write_bytes(broken.read_bytes()[:-4])
    zone.put("eu/spend/google_ads/a.csv", "date,campaign_id,spend,currency\n2026-03-01,c,1,EUR\n2026-03-01,c,x,EUR\n")
    zone.put("eu/ledger/a.csv", "order_id,ordered_at,status,revenue,currency,updated_at\n"
                                "o-1,2026-03-01T10:00:00Z,completed,5,EUR,2026-03-01T10:00:00Z\n")  # fmt: skip
    zone.put("fx/eurofxref-hist.csv", "Date,USD\n2026-03-02,1.1\n")
    return zone


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", "2026-03-10T12:00:00Z")
        patch.setenv("ROMI_KEY_EU_PSEUDONYM", "11" * 32)
        patch.setenv("ROMI_KEY_EU_SEAL", "22" * 32)
        zone = land(Zone(tmp_path_factory.mktemp("undisturbed")))
        zone.load()
        return zone.facts()


class KilledError(BaseException):
    pass


def raising(module, name, monkeypatch, call):
    """Let the function of that name fail at its n-th call, after or before it did its work."""
    function, calls = getattr(module, name), iter(range(1, 1000))

    def fail(*arguments, **keywords):
        number = next(calls)
        if number == call:
            raise KilledError
        result = function(*arguments, **keywords)
        if number == -call:
            raise KilledError
        return result

    monkeypatch.setattr(module, name, fail)


@pytest.mark.parametrize("call", some([-1, 2], fast=1))
@pytest.mark.parametrize(
    ("module", "name"),
    [(commit, "book"), (load_tables, "book"), (commit, "_insert_new"), (commit, "_count_fates"), (commit,
    "new_archive_ids"), (commit, "_insert_letters"), (stage, "mask"),
     (load_tables, "_replace"), (replica, "file_sha256"), (load, "commit")],
    ids=lambda value: getattr(value, "__name__", value),
)  # fmt: skip
def test_a_load_that_fails_in_the_middle_is_made_good_by_the_next(zone, undisturbed, monkeypatch, module, name, call):
    land(zone)
    monkeypatch.setattr(parsing, "_COMMIT_RECORDS", 60)
    monkeypatch.setattr(parsing, "_TASK_ARCHIVES", 2)
    with monkeypatch.context() as patch:
        raising(module, name, patch, call)
        with contextlib.suppress(KilledError):
            zone.load()
    zone.load()
    assert zone.facts() == undisturbed
    assert zone.load().archives == 0


def test_what_a_killed_load_staged_is_removed_by_the_next(zone):
    land(zone)
    zone.settings.staging_dir.joinpath("eu").mkdir(parents=True)
    zone.settings.staging_dir.joinpath("eu", "left.parquet").write_bytes(b"left")
    zone.load()
    assert list(zone.settings.staging_dir.iterdir()) == []


KILLED = """
import os, sys, threading
from ingestion import load, parsing, replica, stage
from settings import Settings
parsing._COMMIT_RECORDS, parsing._TASK_ARCHIVES = 60, 2
steps, last = 0, int(sys.argv[3])
lock = threading.Lock()

def count(function):
    def counted(*arguments, **keywords):
        global steps
        with lock:
            steps += 1
            if steps == last:
                os._exit(9)
        return function(*arguments, **keywords)
    return counted

class Connection:
    def __init__(self, con): self.con = con
    def __getattr__(self, name): return getattr(self.con, name)
    def execute(self, *arguments): return count(self.con.execute)(*arguments)

from contextlib import contextmanager
from privacy import storage
opened = storage.opened
@contextmanager
def counting(*arguments, **keywords):
    with opened(*arguments, **keywords) as con:
        yield Connection(con)
storage.opened = counting
stage.mask, replica.file_sha256 = count(stage.mask), count(replica.file_sha256)
load.load_region(Settings(landing=sys.argv[1], warehouse=sys.argv[2]), "eu")
"""


def killed_at(zone: Zone, step: int) -> bool:
    """Load in another process that ends itself, without a word, at that step."""
    arguments = [sys.executable, "-c", KILLED, str(zone.landing), str(zone.warehouse), str(step)]
    return subprocess.run(arguments, cwd=ROOT, env=os.environ.copy(), check=False).returncode == 9


@pytest.mark.parametrize("seed", some(range(3), fast=1))
def test_a_load_whose_process_dies_at_any_step_is_made_good_by_the_next(zone, undisturbed, seed):
    land(zone)
    assert killed_at(zone, random.Random(seed).randrange(1, 90))
    zone.load()
    assert zone.facts() == undisturbed


@pytest.mark.slow
def test_a_load_that_dies_at_one_step_after_another_gets_there(zone, undisturbed):
    land(zone)
    step = 1
    while killed_at(zone, step):
        step += 3
    assert zone.facts() == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, 160, 2))
def test_a_load_that_dies_at_each_step_is_made_good(zone, undisturbed, step):
    land(zone)
    killed_at(zone, step)
    zone.load()
    assert zone.facts() == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_load_that_is_killed_from_outside_is_made_good(zone, undisturbed, seed):
    land(zone)
    arguments = [sys.executable, "-c", KILLED, str(zone.landing), str(zone.warehouse), "0"]
    process = subprocess.Popen(arguments, cwd=ROOT)
    try:
        process.wait(random.Random(seed).uniform(0.3, 1.6))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    zone.load()
    assert zone.facts() == undisturbed
