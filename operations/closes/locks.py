"""The locks of closed months, as they lie in ``<warehouse>/closes/<month>/<number>/``: written once, kept for good.

A lock is in force until a file ``reopened.json`` stands beside its manifest; closing the month again makes the next.
It holds aggregates as they were published and nothing of a person, so neither erasure nor retention touches it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from operations.finance_tables.published_tables import Table
from operations.store.memory.marks import content_of
from settings import PermanentError, Settings, UsageError

FOLDER = "closes"
MANIFEST = "manifest.json"
REOPENED = "reopened.json"
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Lock:
    """One close of a month; `manifest` is what was signed, with its signature."""

    month: date
    number: int  # of the closes of this month, from 1
    folder: Path
    sha256: str  # of the manifest's bytes
    manifest: dict[str, Any]

    @property
    def is_in_force(self) -> bool:
        return not (self.folder / REOPENED).is_file()

    @property
    def version(self) -> int:
        """The published version whose figures are locked."""
        number: int = self.manifest["version"]
        return number

    def days(self, table: Table) -> tuple[date, date] | None:
        """The first and the last period of `table` that it locks; None where it locks none.

        For a table of months both are the first of the month.
        """
        if (known := self.manifest["days"].get(table.name)) is None:
            return None
        first, last = map(date.fromisoformat, known)
        return (first, last) if first <= last else None

    def figures(self, table: Table) -> Path:
        return self.folder / figures_name(table)

    def __str__(self) -> str:
        return month_name(self.month)


def figures_name(table: Table) -> str:
    return f"figures/{table.schema}/{table.name}.parquet"


def parse_month(text: str) -> date:
    """The first day of a month such as ``2026-10``.

    Raises:
        UsageError: it is no such month.
    """
    if not _MONTH.fullmatch(text):
        raise UsageError(f"{text!r} is no month, such as 2026-10")
    return date.fromisoformat(f"{text}-01")


def month_name(month: date) -> str:
    return f"{month:%Y-%m}"


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def folder_of(settings: Settings, month: date) -> Path:
    return settings.warehouse / FOLDER / month_name(month)


def all_locks(settings: Settings) -> list[Lock]:
    """Every close that ever was, reopened ones among them, by month and number.

    Raises:
        PermanentError: the manifest of one cannot be read.
    """
    folders = (settings.warehouse / FOLDER).glob("[0-9]*/[0-9]*")
    found = [_read(folder) for folder in folders if _MONTH.fullmatch(folder.parent.name) and folder.is_dir()]
    return sorted(found, key=lambda lock: (lock.month, lock.number))


def in_force(settings: Settings) -> list[Lock]:
    """The closes whose figures are published, by month.

    Raises:
        PermanentError: as :func:`all_locks`.
    """
    return [lock for lock in all_locks(settings) if lock.is_in_force]


def closed_months(settings: Settings) -> list[str] | None:
    """The months that are closed, such as ``2026-10``, in ascending order; None where a lock cannot be read."""
    try:
        return [str(lock) for lock in in_force(settings)]
    except PermanentError:
        return None


def damaged_files(lock: Lock) -> list[str]:
    """The files of a lock that are missing or not what its manifest says, by their path in it."""
    files: dict[str, dict[str, Any]] = lock.manifest["files"]
    return [
        name for name, known in files.items()
        if not (lock.folder / name).is_file() or content_of(lock.folder / name) != known["sha256"]
    ]  # fmt: skip


def lost(settings: Settings, known: dict[str, str]) -> list[Path]:
    """The folders of closes that are missing or not what they were.

    Args:
        known: what is remembered of them: the SHA-256 of each one's manifest, by :func:`place_of`.
    """
    root = settings.warehouse / FOLDER
    there = {place_of(folder): folder for folder in root.glob("[0-9]*/[0-9]*") if folder.is_dir()}
    found = []
    for place in sorted({*known, *there}):
        folder = root / place
        try:
            lock = _read(folder)
        except PermanentError:
            found.append(folder)
            continue
        if known.get(place, lock.sha256) != lock.sha256 or damaged_files(lock):
            found.append(folder)
    return found


def give_up(folder: Path) -> None:
    """Take a close that is lost out of sight: its month is open again."""
    if folder.is_dir():
        os.rename(folder, folder.with_name(f".{folder.name}.lost"))


def place_of(folder: Path) -> str:
    """What a close is remembered by, such as ``2026-10/1``."""
    return f"{folder.parent.name}/{folder.name}"


def _read(folder: Path) -> Lock:
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        manifest: dict[str, Any] = json.loads(content)
        month = parse_month(manifest["month"])
        _ = manifest["version"], manifest["days"], manifest["files"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
        raise PermanentError(
            f"{path} is missing or damaged, so a closed month cannot be told: put {folder} back from a backup"
        ) from error
    return Lock(month, int(folder.name), folder, hashlib.sha256(content).hexdigest(), manifest)
