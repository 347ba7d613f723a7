"""What the processes of one run of the tests share, so that each thing is made by the one that comes to it first."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_FOLDER = "TESTS_OF_ROMI_SHARE"  # in the environment, which the processes of xdist inherit


def begin() -> None:
    """Have this process, and those that it starts from now on, share a folder that goes with it."""
    if _FOLDER not in os.environ:
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="romi-tests-")
        atexit.register(_end, os.getpid())


def _end(process: int) -> None:
    if os.getpid() == process:  # and not one that was forked from it
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)


def folder(name: str) -> Path:
    """A folder of that name in what is shared."""
    begin()
    found = Path(os.environ[_FOLDER]) / name
    found.mkdir(exist_ok=True)
    return found
