"""Measures a piece of Python in a process of its own, or a command of `romi` as a whole.

Of a piece of Python what stands in it counts, starting and importing do not; of a command all of it does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

NOW = "2026-03-20T12:00:00Z"
_AROUND = """
import contextlib, io, json, resource, sys, time
argv = sys.argv[2:]
code = compile(sys.argv[1], "measured", "exec")
for line in sys.argv[1].splitlines():
    for part in line.split("; "):
        if part.startswith(("import ", "from ")):
            exec(part)
said = io.StringIO()
begun_at = time.perf_counter(), time.process_time()
with contextlib.redirect_stdout(said):
    exec(code)
spent = time.perf_counter() - begun_at[0], time.process_time() - begun_at[1]
print("\\n" + json.dumps([*spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, said.getvalue()]))
"""


@dataclass(frozen=True)
class Cost:
    seconds: float
    cpu: float
    peak_mib: int
    said: str = ""


def environment() -> dict[str, str]:
    """That of a measured process: the day of what is measured is always the same."""
    return {**os.environ, "ROMI_NOW": NOW}


def run(code: str, *arguments: str, python: str = sys.executable, check: bool = True) -> Cost | None:
    """What `code`, which finds the arguments in `argv`, costs; None where it fails and may."""
    done = subprocess.run(
        [python, "-c", _AROUND, code, *arguments], check=check, capture_output=not check, text=True,
        stdout=subprocess.PIPE if check else None, env=environment(),
    )  # fmt: skip
    if done.returncode:
        return None
    return Cost(*json.loads(done.stdout.splitlines()[-1]))  # before it may stand DuckDB's progress bar


def romi(folder: Path, *command: str) -> tuple[float, float]:
    """Seconds of the clock and of CPU of a command on what lies in `folder`."""
    told = ["--json", "--config", str(folder / "romi.yaml"), "--warehouse", str(folder / "warehouse")]
    landing = ["--landing", str(folder / "landing")] if command[0] in ("run", "recover") else []
    before, begun = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli.main", *command, *told, *landing],
        stdout=subprocess.DEVNULL, env=environment(),
    )  # fmt: skip
    if done.returncode not in (0, 3):  # 3: something was withheld
        done.check_returncode()
    seconds, after = time.perf_counter() - begun, os.times()
    return seconds, sum(after[2:4]) - sum(before[2:4])
