"""Measures the warehouse and prints ratios: `python -m benchmarks [NAME …]`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks import floor
from operations import sample_shop

NOW = "2026-03-20T12:00:00Z"
UNTIL = date(2026, 3, 19)


def main_job(folder: Path) -> None:
    """`romi run` on 1,000,000 new events, whole process, as a multiple of the floor; and with nothing new."""
    landing = folder / "landing"
    sample_shop.write_landing(landing, until=UNTIL, days=30, events=1_000_000, regions=("eu",), dirt=0)
    (folder / "romi.yaml").write_text(sample_shop.config_yaml())
    unit = floor.seconds(landing, folder)
    print(f"floor (typed read_json into a table): {unit:.2f} s", flush=True)
    _print("romi run, 1,000,000 new events", _romi(folder), unit, "at most 12")
    _print("romi run, nothing new", _romi(folder), unit, "")


def _romi(folder: Path) -> float:
    command = [sys.executable, "-m", "orchestration.cli", "run", "--json", "--config", str(folder / "romi.yaml")]
    begun = time.perf_counter()
    subprocess.run(
        [*command, "--landing", str(folder / "landing"), "--warehouse", str(folder / "warehouse")],
        check=True, stdout=subprocess.DEVNULL, env={**os.environ, "ROMI_NOW": NOW},
    )  # fmt: skip
    return time.perf_counter() - begun


def _print(what: str, seconds: float, unit: float, aim: str) -> None:
    print(f"{what}: {seconds:.1f} s = {seconds / unit:.1f} x the floor{f' (aim: {aim})' if aim else ''}", flush=True)


BENCHMARKS: dict[str, Callable[[Path], None]] = {"main_job": main_job}


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        sys.exit(f"unknown benchmark {', '.join(unknown)}; known: {', '.join(BENCHMARKS)}")
    for name in names or BENCHMARKS:
        print(f"== {name}: {BENCHMARKS[name].__doc__}", flush=True)
        with tempfile.TemporaryDirectory(prefix="romi-bench-") as folder:
            BENCHMARKS[name](Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
