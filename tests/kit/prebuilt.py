"""Folders that are made once a process and copied for each test, as a warehouse takes longer to make than to copy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path


@cache
def _made(make: Callable[[Path], None]) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="romi-prebuilt-")  # removed at the process's end
    make(Path(folder.name))
    return folder


def copy_of(make: Callable[[Path], None], to: Path) -> None:
    """Have `to` hold what `make`, a function of a module, makes in an empty folder.

    What is remembered of a warehouse beside its keys goes by the warehouse's path, so there a copy is as one whose
    second place was lost, and is made anew from the first.
    """
    shutil.copytree(_made(make).name, to, symlinks=True, dirs_exist_ok=True)
