"""A run that is killed at any moment is followed by one that ends as if nothing had happened."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import date

import pytest

from operations import sample_shop
from tests.end_to_end.conftest import Shop, shop  # noqa: F401


def _start(one: Shop) -> subprocess.Popen:
    command = [sys.executable, "-m", "orchestration.cli", "run", "--json", "--landing", str(one.landing)]
    return subprocess.Popen(
        [*command, "--config", str(one.folder / "romi.yaml"), "--warehouse", str(one.warehouse)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _filled(one: Shop) -> Shop:
    one.configure(sample_shop.config_yaml())
    sample_shop.write_landing(one.landing, until=date(2026, 3, 19), days=3, events=900, regions=("eu", "jp"), dirt=0.05)
    return one


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_run_killed_at_random_moments_ends_at_the_same_tables(shop, tmp_path_factory, kills):  # noqa: F811
    calm = _filled(Shop(tmp_path_factory.mktemp("calm")))
    begun = time.monotonic()
    assert _start(calm).wait() == 0
    seconds = time.monotonic() - begun

    _filled(shop)
    rng = random.Random(kills)
    for _ in range(kills):
        process = _start(shop)
        try:
            process.wait(timeout=rng.uniform(0.2, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    assert shop.romi("run")[0] == 0
    assert shop.rows() == calm.rows()
    assert shop.romi("status")[1]["records"] == calm.romi("status")[1]["records"]
    assert not list(shop.warehouse.glob("staging/*"))
    assert not list(shop.warehouse.glob("versions/.*"))
