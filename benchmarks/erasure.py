"""100 persons erased at once from a warehouse that `romi run` built, as a multiple of copying its files.

Both sides by processor time of their process and children, and by the clock. The erasure counts whole: tombstones, the
region's rows, one rewrite of its file with its comparison, and publishing anew.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.process import NOW
from ingestion.landing import discover
from ingestion.lines import raw_lines
from operations import sample_shop
from settings import Settings

UNTIL_DAYS = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=1_000_000, help="records of the shop (default 1,000,000)")
    parser.add_argument("--persons", type=int, default=100, help="persons to erase (default 100)")
    parser.add_argument("--folder", type=Path, help="keep the shop here; without it, a temporary folder")


def main(arguments: argparse.Namespace, folder: Path) -> None:
    from benchmarks.ingest import UNTIL

    landing, warehouse = folder / "landing", folder / "warehouse"
    if not landing.exists():
        sample_shop.write_landing(
            landing, until=UNTIL, days=UNTIL_DAYS, events=arguments.events, regions=("eu",), dirt=0
        )
        (folder / "romi.yaml").write_text(sample_shop.config_yaml())
    cost = _measured(lambda: _romi(folder, "run", "--landing", str(landing)))
    print(f"romi run, {arguments.events:,} events: {_told(cost)}", flush=True)
    files = [path for path in warehouse.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    copied = _measured(lambda: [_copy(path, folder / "copy") for path in files])
    print(f"copying its files, {size / 1e6:,.0f} MB: {_told(copied)}", flush=True)
    listed = folder / "persons.csv"
    with listed.open("w", newline="") as file:
        csv.writer(file).writerows([["user_id"], *([one] for one in _users(landing, arguments.persons))])
    command = ("dsar", "erase", "--file", str(listed), "--landing", str(landing), "--region", "eu", "--yes")
    erased = _measured(lambda: _romi(folder, *command))
    print(
        f"erasing {arguments.persons} persons: {_told(erased)}"
        f" = {erased[0] / copied[0]:.1f} x the copy by the clock, {erased[1] / copied[1]:.1f} x by processor time",
        flush=True,
    )


def _users(landing: Path, count: int) -> list[str]:
    """Users evenly over the records' order, so that their events are spread over the file."""
    found = dict.fromkeys(_user_ids(landing))
    return list(found)[:: max(1, len(found) // count)][:count]


def _user_ids(landing: Path) -> Iterator[str]:
    for one in discover(Settings(landing=str(landing)), "eu"):
        if one.kind == "events":
            for line in raw_lines(one.path):
                if user := json.loads(line).get("userId"):
                    yield user


def _copy(path: Path, to: Path) -> None:
    to.mkdir(exist_ok=True)
    target = to / path.name
    shutil.copyfile(path, target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _romi(folder: Path, *command: str) -> None:
    places = ["--config", str(folder / "romi.yaml"), "--warehouse", str(folder / "warehouse")]
    subprocess.run(
        [sys.executable, "-m", "orchestration.cli.main", *command, "--json", *places],
        check=True, stdout=subprocess.DEVNULL, env={**os.environ, "ROMI_NOW": NOW},
    )  # fmt: skip


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    begun, before = time.perf_counter(), _processor()
    work()
    return time.perf_counter() - begun, _processor() - before


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _told(cost: tuple[float, float]) -> str:
    return f"{cost[0]:.1f} s, processor {cost[1]:.1f} s"
