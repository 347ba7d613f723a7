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
from operations.store.memory.remembered import places
from privacy.keys import key_file, keys_from
from settings import OUTWARD, Settings, load_settings
from settings.durable import write_json

CONFIG = "romi.yaml"  # JSON is YAML


@contextmanager
def throwaway(
    settings: Settings, values: dict[str, Any], landing: str | None = None, *, has_keys: bool = True
) -> Iterator[tuple[Settings, Path]]:
    """An empty warehouse beside that of `settings`, with the same keys, that goes with the work.

    Args:
        values: its configuration, but for what reaches outside.
        landing: its landing zone; by default a folder `landing` in the throwaway, to be filled.
        has_keys: whether the keys of the real one are to be used; else it makes its own, within itself.

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
        write_json(config, {key: value for key, value in values.items() if key not in OUTWARD})
        config.chmod(0o600)
        yield load_settings(config, warehouse=folder / "warehouse", landing=landing or str(folder / "landing")), config


def forget_place(warehouse: Path) -> None:
    """Take away what is remembered of a throwaway warehouse beside the keys."""
    for place in places(Settings(warehouse=warehouse)):
        shutil.rmtree(place, ignore_errors=True)


def figures_of(settings: Settings) -> dict[str, Any]:
    """The configuration as JSON's values, but for what reaches outside or says where things are."""
    return settings.model_dump(mode="json", by_alias=True, exclude=set(OUTWARD))
