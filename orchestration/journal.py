"""Dagster's storage: a journal of runs that can be made anew, so that damage to it stops nobody."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import yaml

from settings import Settings

DAMAGED = "damaged"  # below Dagster's home: what was set aside last
_PARTS = ("history", "schedules", "storage", "dagster.yaml")
_SMALL = 4 << 20  # bytes; larger databases are looked through by `romi doctor` only


def damage(settings: Settings, *, is_thorough: bool = False) -> Path | None:
    """The first file that all runs share and that cannot be read; None where there is none.

    The databases of single runs are left out: nobody needs those to go on.
    """
    home = settings.dagster_home.absolute()
    shared = [*home.glob("history/*.db"), home / "history" / "runs" / "index.db", *home.glob("schedules/*.db")]
    for path in shared:
        if path.exists() and not _is_whole(path, is_thorough=is_thorough):
            return path
    configuration = home / "dagster.yaml"
    return configuration if configuration.exists() and not _is_configuration(configuration) else None


def set_aside_if_damaged(settings: Settings) -> str | None:
    """Move a storage that cannot be read out of the way, where a new one is made; tells of it in a line."""
    broken = damage(settings)
    if broken is None:
        return None
    home = settings.dagster_home.absolute()
    aside = home / DAMAGED
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for name in _PARTS:
        if (home / name).exists():
            (home / name).rename(aside / name)
    return f"{broken} was damaged: the UI's history of runs begins anew, and the old one lies in {aside}"


def _is_whole(path: Path, *, is_thorough: bool) -> bool:
    try:
        size = path.stat().st_size
        if not size:
            return True  # SQLite makes one of it
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as con:
            if is_thorough or size <= _SMALL:
                return bool(con.execute("pragma quick_check(1)").fetchone() == ("ok",))
            pages, page = (con.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "page_size"))
            con.execute("select count(*) from sqlite_master").fetchone()
            # After a kill, and while the daemon writes, the newest pages stand in the log beside it alone.
            log = path.with_name(f"{path.name}-wal")
            there = log.stat().st_size if log.exists() else 0
            return bool(path.stat().st_size + there >= pages * page)
    except sqlite3.OperationalError:  # a full disk, which keeps SQLite from making what it reads a log with: no damage
        return path.is_file()
    except sqlite3.DatabaseError:
        return False


def _is_configuration(path: Path) -> bool:
    try:
        return isinstance(yaml.safe_load(path.read_text()), dict)
    except (OSError, ValueError, yaml.YAMLError):
        return False
