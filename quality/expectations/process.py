"""Have a version examined by the worker, which may have been started while the version was still being built."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from settings import PermanentError

_ROOT = Path(__file__).resolve().parents[2]
_workers: dict[int, subprocess.Popen[str]] = {}  # by process, since a fork must not share one


def warm_up() -> None:
    """Start the worker now, since a version is likely to be built; it imports while others work."""
    if os.getpid() not in _workers:
        _workers[os.getpid()] = _start()


def examine(folder: Path, before: Path | None, docs: Path, version: str, at: datetime) -> list[dict[str, Any]]:
    """The findings on the version built in `folder` against that in `before`; the pages are written to `docs`.

    Raises:
        PermanentError: it could not be examined: an error of ours, and nothing said about the data.
    """
    request = {
        "folder": os.path.abspath(folder), "before": before and os.path.abspath(before),
        "docs": os.path.abspath(docs), "version": version, "at": at.isoformat(),
    }  # fmt: skip
    warm_up()
    answer = _ask(_workers[os.getpid()], request)
    if "error" in answer:
        cool_down()
        raise PermanentError(f"the expectations of {version} could not be examined: {answer['error']}")
    found: list[dict[str, Any]] = answer["findings"]
    return found


def _ask(worker: subprocess.Popen[str], request: dict[str, Any]) -> dict[str, Any]:
    assert worker.stdin
    assert worker.stdout
    try:
        worker.stdin.write(json.dumps(request) + "\n")
        worker.stdin.flush()
        line = worker.stdout.readline()
    except OSError:
        line = ""
    answer: dict[str, Any] = json.loads(line) if line else {"error": "its process ended"}
    return answer


@atexit.register
def cool_down() -> None:
    """End the worker, if there is one; it keeps for the next version of the same process until then."""
    if worker := _workers.pop(os.getpid(), None):
        worker.kill()
        worker.wait()


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "quality.expectations.worker"], cwd=_ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "GX_ANALYTICS_ENABLED": "false"},
    )  # fmt: skip
