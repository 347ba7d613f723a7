"""Measures a piece of Python in a process of its own: what stands in it counts, starting and importing do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

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


def run(code: str, *arguments: str, python: str = sys.executable, check: bool = True) -> Cost | None:
    """What `code`, which finds the arguments in `argv`, costs; None where it fails and may."""
    done = subprocess.run(
        [python, "-c", _AROUND, code, *arguments], check=check, capture_output=not check, text=True,
        stdout=subprocess.PIPE if check else None, env={**os.environ, "ROMI_NOW": NOW},
    )  # fmt: skip
    if done.returncode:
        return None
    return Cost(*json.loads(done.stdout.splitlines()[-1]))  # before it may stand DuckDB's progress bar
