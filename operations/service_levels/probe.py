"""Is what is published there? A probe reads it as finance does, and books what it found where anyone can look it up.

The book is ``<warehouse>/probes/<day>.jsonl`` (UTC), a line a probe, appended in one write, so that it can be read
while a writer holds the regions' files: ``{"at": RFC 3339, "ok": bool, "ms": float, "version": int or null, "reason":
text or null}``. Availability is the share of lines that are `ok`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from operations.dp_release.released_marts import RELEASED
from operations.error_messages import describe_error
from operations.finance_tables.published_tables import PUBLISHED, Table
from operations.store import day_books
from operations.store.versions import version_ids
from settings import Settings, TransientError, now

FILES: dict[str, tuple[Table, ...]] = {"marts.duckdb": PUBLISHED, "released.duckdb": RELEASED}
SLOWEST_MS = 10_000  # who waits longer for a row has none
# As an analyst should open it: what is in the file can be read, and nothing else reached.
_LOCKED: Any = {"enable_external_access": "false", "lock_configuration": "true", "threads": "1"}


@dataclass(frozen=True)
class Probe:
    """One look at what is published."""

    at: str
    ok: bool
    ms: float
    version: int | None
    reason: str | None  # why it is not ok; it quotes no value of the data


def look(settings: Settings) -> Probe:
    """Open the version that the stable link leads to, read a row of each table, and see that all are of it."""
    at, begun = now(), time.perf_counter()
    version: int | None = None
    reason: str | None = None
    try:
        folder = settings.published.resolve(strict=True)
        version = int(folder.name)
        for name, tables in FILES.items():
            reason = reason or _read(folder / name, tables, version)
    except (OSError, ValueError):
        is_linked = version is not None or settings.published.is_symlink()
        reason = "the published version is gone" if is_linked else "nothing is published"
    except duckdb.Error as error:
        reason = f"the published version cannot be read ({type(error).__name__})"
    ms = round((time.perf_counter() - begun) * 1000, 3)
    if reason is None and ms > SLOWEST_MS:
        reason = f"it took longer than {SLOWEST_MS // 1000} s"
    return Probe(at.isoformat(), reason is None, ms, version, reason)


def probe(settings: Settings) -> Probe:
    """Look, and book it; before the first version there is nothing to be available, and nothing is booked.

    Raises:
        TransientError: it cannot be booked.
    """
    found = look(settings)
    was_there = settings.published.is_symlink() or version_ids(settings) or not day_books.is_empty(_folder(settings))
    if found.version is not None or was_there:
        try:
            day_books.book(_folder(settings), datetime.fromisoformat(found.at), asdict(found))
        except OSError as error:
            raise TransientError(f"the probe cannot be booked: {describe_error(error)}") from error
    return found


def probes(settings: Settings, since: datetime, until: datetime | None = None) -> Iterator[Probe]:
    """Booked probes from `since` on, and before `until`, oldest first; a line that a kill cut short is none."""
    until = until or now() + timedelta(days=1)
    for line in day_books.read(_folder(settings), since, until):
        try:
            one = Probe(**line)
        except TypeError:
            continue
        if since <= datetime.fromisoformat(one.at) < until:
            yield one


def old_books(settings: Settings, before: datetime) -> dict[str, Path]:
    """Days of probes that are whole before the moment: what retention takes."""
    return day_books.old_books(_folder(settings), before)


def _read(path: Path, tables: tuple[Table, ...], version: int) -> str | None:
    con = duckdb.connect(str(path), read_only=True, config=_LOCKED)
    try:
        # By its full name: one file is called as its schema is.
        for table in tables:
            con.execute(f"from {path.stem}.{table} limit 1").fetchall()
        inside = con.execute(f"select distinct version from {path.stem}.meta.versions").fetchall()
    finally:
        con.close()
    return None if set(inside) <= {(version,)} else f"{path.name} is not of the version that the link leads to"


def _folder(settings: Settings) -> Path:
    return settings.warehouse / "probes"
