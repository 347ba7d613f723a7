"""Throwaway warehouses beside the real one: what would come out is made there, and nothing in the real one changes.

They hold persons' data like the real one, so whoever works on one holds a lock in it, which a kill lets go, and what
nobody holds is a leftover, which the next one and every round of retention take away.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from operations.backups.backup_places import beside_of, claimed, is_beside, leftovers
from operations.store.locks import LOCK
from operations.store.memory.published import refuse_lost_version
from operations.store.memory.remembered import places
from operations.store.versions import current_version, pinned_version, version_dir
from privacy.keys import key_file, keys_from
from settings import OUTWARD, Settings, UsageError, load_settings
from settings.durable import write_json

CONFIG = "romi.yaml"  # JSON is YAML
# What no figure depends on: a copy is made without it.
_LEFT_BEHIND = ("staging", "dagster", "dbt", "quality", "report", "probes", "versions", "published", LOCK,
                "backups.json")  # fmt: skip
_SPARE = 200 << 20  # bytes, for what a build of a copy writes


@contextmanager
def throwaway(
    settings: Settings, values: dict[str, Any], landing: str | None = None, *, has_keys: bool = True,
    engine: str = "duckdb",
) -> Iterator[tuple[Settings, Path]]:  # fmt: skip
    """An empty warehouse beside that of `settings`, with the same keys, that goes with the work.

    Args:
        values: its configuration, but for what reaches outside.
        landing: its landing zone; by default a folder `landing` in the throwaway, to be filled.
        has_keys: whether the keys of the real one are to be used; else it makes its own, within itself.
        engine: what builds its models; Spark as it is configured for the real one.

    Yields:
        Its settings, and its configuration's file.
    """
    root = settings.warehouse.absolute()
    for left in leftovers(settings):  # of one that was killed
        if is_beside(root, left):
            forget_place(left / "warehouse")
            shutil.rmtree(left, ignore_errors=True)
    with ExitStack() as stack:
        folder = stack.enter_context(claimed(beside_of(root)))
        stack.enter_context(keys_from(key_file(root) if has_keys else folder / "keys" / "warehouse.keys"))
        stack.callback(forget_place, folder / "warehouse")
        (folder / "keys").mkdir(mode=0o700)
        config = folder / CONFIG
        told = {key: value for key, value in values.items() if key not in OUTWARD}
        write_json(config, {**told, "engine": engine, "spark": settings.spark.model_dump(mode="json")})
        config.chmod(0o600)
        yield load_settings(config, warehouse=folder / "warehouse", landing=landing or str(folder / "landing")), config


def forget_place(warehouse: Path) -> None:
    """Take away what is remembered of a throwaway warehouse beside the keys."""
    for place in places(Settings(warehouse=warehouse)):
        shutil.rmtree(place, ignore_errors=True)


def figures_of(settings: Settings) -> dict[str, Any]:
    """The configuration as JSON's values, but for what reaches outside or says where things are."""
    return settings.model_dump(mode="json", by_alias=True, exclude=set(OUTWARD))


def publishable(settings: Settings) -> int:
    """The version that a run on a copy of the warehouse would be compared with.

    Raises:
        UsageError: nothing is published, or a version is pinned, so that no run publishes.
        LostStateError: the published version is not whole.
    """
    refuse_lost_version(settings)
    if (pinned := pinned_version(settings)) is not None:
        raise UsageError(f"version {pinned} is pinned, so that no run publishes: `romi publish unpin` first")
    if (current := current_version(settings)) is None:
        raise UsageError("nothing is published yet, so nothing can move: `romi run --landing DIR`")
    return current


def copy_warehouse(settings: Settings, made: Settings) -> None:
    """Copy what figures depend on: regions' files, books, memory, closes, and the current version.

    The caller holds the warehouse.
    """
    root, to = settings.warehouse.absolute(), made.warehouse
    for name in _figures(settings):
        (to / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(root / name, to / name)  # with its time, by which what is published is known again
    for folder in ("regions", "books", "staging", "status", "dbt", "dagster"):
        (to / folder).mkdir(mode=0o700, exist_ok=True)
    (to / "published").symlink_to(_current(settings))


def check_room(settings: Settings, copies: int) -> None:
    """Raise a UsageError where the disk has no room for so many copies of the warehouse.

    The caller holds the warehouse.
    """
    root = settings.warehouse.absolute()
    size = sum((root / name).stat().st_size for name in _figures(settings))
    free, needed = shutil.disk_usage(root.parent).free, copies * (size + _SPARE)
    if free < needed:
        raise UsageError(
            f"{root.parent} has {free >> 20:,} MiB free, and {'a copy' if copies == 1 else f'{copies} copies'} of the"
            f" warehouse may need {needed >> 20:,} MiB: make room, or add disk"
        )


def _figures(settings: Settings) -> Iterator[Path]:
    """The files of the warehouse that figures depend on."""
    root, current = settings.warehouse.absolute(), _current(settings)
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        is_shown = name.parts[:2] == current.parts or name.parts == ("versions", "seen.json")
        if path.is_file() and not path.is_symlink() and (is_shown or name.parts[0] not in _LEFT_BEHIND):
            yield name


def _current(settings: Settings) -> Path:
    return version_dir(settings, current_version(settings) or 0).relative_to(settings.warehouse)
