"""Folders that are made once and copied for each test, as a warehouse takes longer to make than to copy."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from operations.store.memory import remembered
from settings import Settings
from tests.kit import shared


@cache
def _made(make: Callable[..., None], *given: Any) -> Path:
    """The folder, which another process of the same run of the tests may have made, or be at."""
    name = hashlib.sha256(repr((make.__module__, make.__qualname__, given)).encode()).hexdigest()[:16]
    folder = shared.folder("prebuilt") / name
    done = folder.with_suffix(".done")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder, *given)
            done.touch()
    return folder


def copy_of(make: Callable[..., None], to: Path, *given: Any) -> None:
    """Have `to` hold what `make`, a function of a module, makes in an empty folder of what is `given`.

    What is remembered of `to`'s warehouse beside its keys goes by the warehouse's path, and is renamed to that of the
    copy.
    """
    made = _made(make, *given)
    shutil.copytree(made, to, symlinks=True, dirs_exist_ok=True)
    was, now = (remembered.places(Settings(warehouse=folder / "warehouse"))[-1] for folder in (made, to))
    if (beside := now.with_name(was.name)).is_dir():
        beside.rename(now)
