"""Warehouses outlive code: what brings one of an earlier format forward, a step for each format.

A step is a file ``NNN_name.sql`` or ``NNN_name.py`` in this folder, where NNN is the format that it leads to. SQL
changes a region's file, and its first comment says what for. A module has that as its docstring, and one or both of
``region(con, settings, name)``, which changes a region's file, and ``warehouse(settings)``, which changes what else is
in the warehouse. A step of a region's file is one transaction, together with the format that the file says it has. A
step of the warehouse may be killed and done again, so it ends the same however often it is begun.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from ingestion.books import FORMAT, put_meta, region_file, region_format, transaction
from operations.error_messages import describe_error
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly, warehouse_format, write_format
from settings import WAREHOUSE_FORMAT, PermanentError, RomiError, Settings
from settings.formats import OLDEST_FORMAT

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Step:
    """What leads to a format; `what` is a line for people."""

    format: int
    what: str
    region: Callable[[duckdb.DuckDBPyConnection, Settings, str], Any] | None = None
    warehouse: Callable[[Settings], Any] | None = None


@dataclass
class Migrated:
    """What was brought forward: a line for people each, and by region why one was not."""

    steps: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


@cache
def steps() -> tuple[Step, ...]:
    """Every step, in order.

    Raises:
        PermanentError: two of them lead to one format, or none to another: a region would go without one.
    """
    found = tuple(_read(path) for path in sorted(_FOLDER.glob("[0-9][0-9][0-9]_*")) if path.suffix in (".sql", ".py"))
    if [step.format for step in found] != list(range(OLDEST_FORMAT + 1, WAREHOUSE_FORMAT + 1)):
        raise PermanentError(f"{_FOLDER} has not one migration for each format up to {WAREHOUSE_FORMAT}")
    return found


@contextmanager
def on_present_format(settings: Settings, on_wait: OnWait = wait_quietly) -> Iterator[Migrated]:
    """Hold the warehouse, made where there is none, and brought to this release's format where it has an earlier one.

    Raises:
        UsageError: as :func:`operations.store.locks.exclusive`.
    """
    with exclusive(settings, on_wait, may_migrate=True):
        yield Migrated() if warehouse_format(settings.warehouse) == WAREHOUSE_FORMAT else migrate(settings)


def migrate_by_hand(settings: Settings, on_wait: OnWait = wait_quietly) -> Migrated:
    """Hold the warehouse and bring it forward, with files of regions that were put back by hand.

    Raises:
        UsageError: as :func:`operations.store.locks.exclusive`.
    """
    with exclusive(settings, on_wait, may_migrate=True):
        return migrate(settings)


def migrate(settings: Settings) -> Migrated:
    """Bring the warehouse and every region's file in it to this release's format. Call it with the warehouse held.

    A region whose file cannot be brought forward keeps the format that it has, and holds back no other. Killed at any
    moment and done again, it ends the same.

    Raises:
        UsageError: the warehouse is of a format that cannot be brought forward.
    """
    check_warehouse(settings, may_migrate=True)
    done = Migrated()
    for step in steps():
        for path in sorted(settings.regions_dir.glob("*.duckdb")):
            if path.stem not in done.failures:
                _migrate_region(settings, path.stem, step, done)
        if warehouse_format(settings.warehouse) < step.format:
            if step.warehouse:
                step.warehouse(settings)
                done.steps.append(f"warehouse, format {step.format}: {step.what}")
            write_format(settings.warehouse, step.format)
    return done


def migrate_restored(settings: Settings) -> None:
    """Bring a warehouse that was just restored to this release's format, the whole of it.

    Raises:
        PermanentError: a region's file cannot be brought forward.
    """
    for region, problem in migrate(settings).failures.items():
        raise PermanentError(f"{region}: its file cannot be brought to format {WAREHOUSE_FORMAT}: {problem}")


def _migrate_region(settings: Settings, region: str, step: Step, done: Migrated) -> None:
    try:
        with region_file(settings, region, may_migrate=True) as con:
            if (region_format(con) or 0) >= step.format:
                return
            with transaction(con):
                if step.region:
                    step.region(con, settings, region)
                put_meta(con, FORMAT, str(step.format))
    except (RomiError, duckdb.Error, OSError) as error:
        done.failures[region] = describe_error(error)
    else:
        if step.region:
            done.steps.append(f"{region}, format {step.format}: {step.what}")


def _read(path: Path) -> Step:
    number = int(path.name[:3])
    if path.suffix == ".sql":
        text = path.read_text()
        said = re.match(r"-- (.*)\n", text)
        return Step(number, said[1] if said else path.stem, region=partial(_run, text))
    module = import_module(f"{__name__}.{path.stem}")
    what = (module.__doc__ or path.stem).partition("\n")[0]
    return Step(number, what, getattr(module, "region", None), getattr(module, "warehouse", None))


def _run(text: str, con: duckdb.DuckDBPyConnection, _: Settings, __: str) -> None:
    con.execute(text)
