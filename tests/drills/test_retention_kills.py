"""Retention killed at random steps and done again ends as one that was not: finance stays, and nothing overdue does."""

import random
import shutil
import subprocess
import sys

import pytest

from ingestion.books import region_file
from operations.retention import retention
from settings import Settings
from tests.operations.retention.test_retention import OldShop, no_logs

KILLS = 25
PERIODS = {"raw_days": 30, "touch_days": 120, "customer_days": 100, "dead_letter_days": 1}
# Counts statements and file operations, and dies at one of them; without a number it tells how many there were.
KILLED = """
import os, sys
from contextlib import contextmanager
from operations.removal import rewrite
from operations.retention import retention
from privacy import storage
from settings import Settings, durable
steps, last = 0, int(sys.argv[2])

def count(function):
    def counted(*arguments, **keywords):
        global steps
        steps += 1
        if steps == last:
            os._exit(9)
        return function(*arguments, **keywords)
    return counted

class Connection:
    def __init__(self, con): self.con = con
    def __getattr__(self, name): return count(getattr(self.con, name)) if name == "execute" else getattr(self.con, name)

opened = storage.opened
@contextmanager
def counting(*arguments, **keywords):
    with opened(*arguments, **keywords) as con:
        yield Connection(con)
storage.opened = counting
os.replace, os.rename, durable.sync = count(os.replace), count(os.rename), count(durable.sync)
retention.apply(Settings.model_validate_json(sys.argv[1]), lambda _: {})
print(steps)
"""


def counts(settings: Settings) -> dict[str, int]:
    with region_file(settings, "eu", read_only=True) as con:
        tables = con.execute("""
            select schema_name || '.' || table_name from duckdb_tables()
            where database_name = current_database() and not temporary order by all""").fetchall()
        return {name: con.execute(f"select count(*) from {name}").fetchall()[0][0] for (name,) in tables}


@pytest.mark.slow
def test_retention_killed_at_random_steps_ends_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "keys"))
    shop = OldShop(tmp_path / "shop")
    young, finance, built = shop.keeping(**PERIODS), shop.finance(), shop.settings.warehouse

    def copied(name: str) -> Settings:
        shutil.copytree(built, tmp_path / name)
        return young.model_copy(update={"warehouse": tmp_path / name})

    def apply(settings: Settings, at: int) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", KILLED, settings.model_dump_json(), str(at)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    undisturbed = copied("undisturbed")
    steps = int(apply(undisturbed, 0).stdout)
    expected, numbers = counts(undisturbed), random.Random(7)
    for number in range(KILLS):
        settings = copied(f"killed-{number}")
        assert apply(settings, at := numbers.randint(1, steps)).returncode == 9
        retention.apply(settings, no_logs)
        assert counts(settings) == expected, f"killed at step {at} of {steps}"
        assert retention.find_overdue(settings, no_logs) == {}
        shop.settings = settings
        assert shop.finance() == finance
        shutil.rmtree(settings.warehouse)
