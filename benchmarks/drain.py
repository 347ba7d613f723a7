"""Working off a backlog beside a fresh run on the same archives, with its plan, and `romi status` asked throughout."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from benchmarks import process
from benchmarks.ingest import UNTIL
from operations import sample_shop

_DAYS, _LATE = 40, 10  # of the shop, and of its last ones that arrive together
_ASKED_EVERY = 2.0  # seconds


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=10_000_000, help="in the backlog (default 10,000,000)")


def main(arguments: Namespace, folder: Path) -> None:
    """`romi recover` of a backlog of ten days, against `romi run` on the same archives in a warehouse of their own."""
    shop, fresh = folder / "late", folder / "fresh"
    whole = arguments.events * _DAYS // _LATE
    sample_shop.write_landing(shop / "all", until=UNTIL, days=_DAYS, events=whole, regions=("eu",), dirt=0)
    for one in (shop, fresh):
        (one / "landing").mkdir(parents=True, exist_ok=True)
        (one / "romi.yaml").write_text(sample_shop.config_yaml())
    late = [UNTIL - timedelta(days=n) for n in range(_LATE)]
    _land(shop, fresh, late)
    alone, _ = process.romi(fresh, "run")
    in_time = [UNTIL - timedelta(days=n) for n in range(_LATE, _DAYS)]
    for days in (in_time[1:], in_time[:1]):  # what a first version costs tells little of a later one
        _land(shop, shop, days)
        process.romi(shop, "run")
    _land(shop, shop, late)
    planned = json.loads(_told(shop, "recover", "--plan"))["steps"]
    with _Asking(shop) as asking:
        recovered, _ = process.romi(shop, "recover")
    print(f"a fresh run on the backlog's archives: {alone:.1f} s; recovery: {recovered:.1f} s = "
          f"{recovered / alone:.2f} x")  # fmt: skip
    loads = [_last_load(one) for one in (fresh, shop)]
    print(f"their loads alone: {loads[0]:.1f} s and {loads[1]:.1f} s = {loads[1] / loads[0]:.2f} x (aim: at most 1.3)")
    seconds = planned[-1]["done_in"]
    print(f"planned: {seconds:.1f} s = {seconds / recovered:.2f} x of what it took (aim: 0.75 to 1.25)")
    if answers := asking.seconds:
        p99 = statistics.quantiles(answers, n=100)[98] if len(answers) > 1 else answers[0]
        print(f"`romi status` meanwhile, a whole process: {len(answers)} answers, p99 {p99:.1f} s, none failed")


def _land(shop: Path, to: Path, days: Iterable[date]) -> None:
    """Copy the archives of the days, and every table that is not there yet."""
    parts = {f"year={day:%Y}/month={day:%m}/day={day:%d}/" for day in days}
    for path in (one for one in (shop / "all").rglob("*") if one.is_file()):
        name = path.relative_to(shop / "all")
        there = to / "landing" / name
        is_wanted = any(part in f"{name}" for part in parts) if "events" in name.parts else not there.exists()
        if is_wanted:
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, there)


def _last_load(folder: Path) -> float:
    """Seconds of the clock, as the warehouse has booked them."""
    lines = (line for book in sorted((folder / "warehouse" / "backlog").iterdir()) for line in book.open())
    return [float(one["seconds"]) for one in map(json.loads, lines) if one["what"] == "load"][-1]


def _told(folder: Path, *command: str) -> str:
    told = ["--json", "--config", str(folder / "romi.yaml"), "--warehouse", str(folder / "warehouse")]
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli.main", *command, *told],
        cwd=folder, check=True, capture_output=True, text=True, env=process.environment(),
    )  # fmt: skip
    return done.stdout


class _Asking:
    """Asks for `romi status` again and again while the body runs; an answer that fails ends the measurement."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seconds = folder, list[float]()
        self._is_over, self._thread = threading.Event(), threading.Thread(target=self._ask)
        self._failed: Exception | None = None

    def _ask(self) -> None:
        try:
            while not self._is_over.wait(_ASKED_EVERY):
                begun = time.perf_counter()
                _told(self.folder, "status")
                self.seconds.append(time.perf_counter() - begun)
        except Exception as error:
            self._failed = error

    def __enter__(self) -> _Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        if self._failed:
            raise self._failed
