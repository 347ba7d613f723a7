"""Memory is bounded by what is under way, whatever an archive's size and however much of it is dirt."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingestion.strategies import page
from tests.kit.examples import some

ROOT = Path(__file__).parents[2]
LOAD = """
import sys
from ingestion.load import load_region
from settings import Settings
load_region(Settings(landing=sys.argv[1], warehouse=sys.argv[2]), "eu")
# What getrusage tells would begin with the memory of the process that started this one.
print(next(int(line.split()[1]) >> 10 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak")


def peak_mib(zone):
    """Of a process that loads the zone."""
    arguments = [sys.executable, "-c", LOAD, str(zone.landing), str(zone.warehouse)]
    environment = {**os.environ, "POLARS_MAX_THREADS": "2"}
    done = subprocess.run(arguments, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return int(done.stdout)


def put(zone, lines, start=0):
    """An archive from lines that are written one by one."""
    path = zone.archive(suffix="json.gz", start=start)
    with gzip.open(path, "wb", 1) as file:
        for line in lines:
            file.write(line + b"\n")


@pytest.mark.slow
def test_dead_letters_do_not_gather_in_memory(zone):
    pad = json.dumps(page(userId=5.5, pad="x" * 900_000)).encode()
    for number in range(20):
        put(zone, [pad] * 30, start=number * 30)
    assert peak_mib(zone) < 2048
    assert zone.fates() == {"read": 600, "dead_letter": {"invalid_type": 600}}
    assert zone.query("select min(octet_length(payload)) > 900000, count(*) from ops.dead_letters") == [(True, 600)]


@pytest.mark.parametrize("bomb", some([b"0" * (1 << 20), b"\n" * (1 << 20), b" " * (1 << 20)], fast=1))
def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_read_in_pieces(zone, bomb):
    path = zone.archive(suffix="json.gz")
    with gzip.open(path, "wb", 1) as file:
        for _ in range(1024):
            file.write(bomb)
    assert peak_mib(zone) < 1024
    dead = {"dead_letter": {"oversized_record": 1}, "read": 1} if bomb[:1] == b"0" else {}
    assert zone.fates() == dead


@pytest.mark.slow
def test_one_archive_of_more_dead_letters_than_half_of_the_memory_limit_is_loaded(zone, monkeypatch):
    # As more than 1 GB of them under 2 GB.
    monkeypatch.setattr("ingestion.load._MEMORY_FOR_LETTERS", "512MB")
    put(zone, (json.dumps(page(userId=5.5, pad=os.urandom(450_000).hex())).encode() for _ in range(330)))
    zone.load()
    assert zone.fates() == {"read": 330, "dead_letter": {"invalid_type": 330}}
    assert zone.query("select sum(octet_length(payload)) > 0.55 * 512e6 from ops.dead_letters") == [(True,)]
