"""A backup back in the warehouse's place, without what must not come back and with the books that must not be lost."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from operations.backups import bucket_copies
from operations.backups.backup import Backup, copy, verify
from operations.backups.backup_manifest import read_manifest
from operations.backups.backup_places import (
    BACKUPS,
    BOOK,
    RESTORED,
    beside_of,
    claimed,
    is_address,
    is_cut_in_two,
    let_go,
    moved_away,
    note,
    restoring,
    sweep,
)
from operations.closes.locks import FOLDER
from operations.incidents.run_warnings import mended_tombstones
from operations.removal.erasure import enforce
from operations.rights.rectification import reapply
from operations.rights.rotation import catch_up
from operations.rights.tombstones import extend
from operations.store.locks import OnWait, wait_quietly
from operations.store.memory.findings import Finding as LostState
from operations.store.memory.keeping import remember_shared_books
from operations.store.memory.marks import lines_in, lost_books
from operations.store.memory.published import findings as lost_state
from operations.store.memory.remembered import carry_over, warehouse_memory
from operations.store.migrations import migrate_restored, on_present_format
from operations.store.versions import dispose_other_versions
from privacy.keys import key_file, keys_from
from settings import Settings, UsageError, now
from settings.durable import sync, write_durably, write_json

_BOOKS_OF_LINES = ("books/**/*.jsonl", "probes/*.jsonl", "backlog/*.jsonl")
_FOLDERS = ("regions", "staging", "status", "books", "dbt", "dagster")


def restore(settings: Settings, source: Path | str, *, force: bool = False, on_wait: OnWait = wait_quietly) -> Backup:
    """Put a backup in the warehouse's place, verified, with the books merged that must not be overwritten.

    It is made whole beside the warehouse and then takes its name, so a kill leaves the old one or the new one; between
    the two renames of a forced restore it leaves neither, and doing it again ends it.

    Args:
        source: the backup's folder, or its address in an object store, from where it is brought beside the warehouse.

    Raises:
        UsageError: `source` is no backup, of another format, or the warehouse is not empty and `force` not given; or
            a killed restore left two warehouses.
        PermanentError: the backup is not what it was, or cannot be brought to this release's format, or fewer
            tombstones of erased persons are at hand, in the backup, the warehouse and beside the keys, than were made.
    """
    if isinstance(source, Path):
        return _restore(settings, source, source.absolute(), force=force, on_wait=on_wait)
    with claimed(beside_of(settings.warehouse.absolute())) as folder:
        bucket_copies.fetch(source, folder)
        return replace(_restore(settings, folder, source, force=force, on_wait=on_wait), folder=source)


def _restore(settings: Settings, source: Path, origin: Path | str, *, force: bool, on_wait: OnWait) -> Backup:
    """The same from a folder; `origin` is where the backup is kept."""
    manifest = read_manifest(source)
    root = settings.warehouse.absolute()
    _end_a_killed_one(root)
    if _holds_anything(root) and not force:
        raise UsageError(f"{root} is not empty; --force puts the backup in its place")
    begun = time.monotonic()
    verify(settings, source / "warehouse", manifest)
    seconds = time.monotonic() - begun
    with on_present_format(settings, on_wait):
        begun = time.monotonic()  # to wait for the lock is not to restore
        sweep(settings)
        with claimed(restoring(root)) as work:
            notes = _make(settings, source, origin, manifest, work)
            seconds = round(seconds + time.monotonic() - begun, 3)
            write_json(work / RESTORED, {
                "from": str(origin), "made_at": manifest["made_at"], "restored_at": now().isoformat(),
                "recovery_point": manifest["recovery_point"], "recovery_seconds": seconds,
            })  # fmt: skip
            let_go(work)  # who sweeps has the warehouse's lock, as we do
            sync(work)
            os.rename(root, moved_away(root))
            os.rename(work, root)
        sync(root.parent)
        notes += _of_later_backups(settings)
        notes += [_told(one) for one in lost_state(settings)]
        shutil.rmtree(moved_away(root), ignore_errors=True)
    sizes = [one["bytes"] for one in manifest["files"].values()]
    made_at = datetime.fromisoformat(manifest["made_at"])
    return Backup(source, made_at, len(sizes), sum(sizes), seconds, manifest["recovery_point"], tuple(notes))


def _of_later_backups(settings: Settings) -> list[str]:
    """Have the book of backups lack by right the line of this one's own making, and tell of those of later ones."""
    known = warehouse_memory(settings).books
    if BOOK not in lost_books(settings, known):
        return []
    remember_shared_books(settings, BOOK)
    lacking = known[BOOK].lines - lines_in(settings.warehouse / BOOK)
    return [f"all: {BOOK} lists {lacking - 1:,} backups no more that were made after this one"] if lacking > 1 else []


def _told(found: LostState) -> str:
    mend = "`romi run` loads again what has landed" if found.may_load_again else found.mend
    return f"{found.region or 'all'}: {found.what}; {mend}"


def _holds_anything(root: Path) -> bool:
    """A restore that was refused leaves the folders of a new warehouse."""
    return any(one.name not in (".lock", "warehouse.json") and not one.is_dir() for one in root.rglob("*"))


def _end_a_killed_one(root: Path) -> None:
    """Killed between the renames, the warehouse is back under its name."""
    if is_cut_in_two(root):
        raise UsageError(f"a restore was killed while {moved_away(root)} was the warehouse, and {root} was begun anew"
                         " since: move away the one that you don't want")  # fmt: skip
    if moved_away(root).is_dir() and not root.exists():
        os.rename(moved_away(root), root)


def _make(
    settings: Settings, source: Path, origin: Path | str, manifest: dict[str, Any], work: Path
) -> list[str]:  # fmt: skip
    """The restored warehouse in `work`, fit to take the place of the one that is there; tells what was mended."""
    take = _move if is_address(origin) else copy  # what was fetched is ours, and would take its room twice
    for name in manifest["files"]:
        _put(take, source / "warehouse" / name, work / name, is_published=name.startswith("versions/"))
    for name in _FOLDERS:
        (work / name).mkdir(mode=0o700, exist_ok=True)
    verify(settings, work, manifest)
    if manifest["published"]:
        (work / "published").symlink_to(manifest["published"])
    restored = settings.model_copy(update={"warehouse": work})
    with keys_from(key_file(settings.warehouse)):
        migrate_restored(restored)
        _merge_books(settings.warehouse.absolute(), work)
        _merge_closes(settings.warehouse.absolute(), work)
        carry_over(settings.warehouse.absolute(), work)
        note(work, origin, datetime.fromisoformat(manifest["made_at"]))
        return _take_out_the_erased(restored)


def _move(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.rename(path, to)


def _put(take: Callable[[Path, Path], object], path: Path, to: Path, *, is_published: bool) -> None:
    """Take a file over as it was readable, which no store keeps: by its owner alone, or as what is published."""
    if is_published:
        to.parent.mkdir(parents=True, exist_ok=True)
    take(path, to)
    to.chmod(0o440 if is_published else 0o600)


def _take_out_the_erased(settings: Settings) -> list[str]:
    """Who was erased since the backup was made does not come back, nor do other versions than the current."""
    regions = sorted(path.stem for path in settings.regions_dir.glob("*.duckdb"))
    notes = mended_tombstones(settings, regions)
    for region in regions:
        extend(settings, region)
    found = {region: enforce(settings, region) for region in regions}
    for region in regions:  # whose a device is was put right since
        reapply(settings, region)
    for region in regions:  # a key that was rotated since is applied to what stands under it as it was
        catch_up(settings, region)
    if any(one.is_rewritten for one in found.values()):
        dispose_other_versions(settings)
    return notes + [
        f"{region}: of persons who were erased since, {one.events:,} events and {one.dead_letters:,} dead letters were"
        f" taken out and {one.orders:,} orders made anonymous"
        for region, one in found.items() if one.events or one.orders or one.dead_letters
    ]  # fmt: skip


def _merge_books(root: Path, work: Path) -> None:
    """Merge the books of the warehouse that is there into the restored one; those the backup lacks are taken over.

    Lines of a book never change, so the union of two lives of it is all that either knew.
    """
    for path in sorted(one for pattern in _BOOKS_OF_LINES for one in root.glob(pattern)):
        name = path.relative_to(root)
        if (work / name).is_file():
            _merge_lines(path, work / name)
        else:
            copy(path, work / name)
    if (root / BACKUPS).is_file():
        copy(root / BACKUPS, work / BACKUPS)


def _merge_closes(root: Path, work: Path) -> None:
    """Take over what the backup lacks of closed months: locks, and that one was opened again. None ever changes."""
    for path in sorted((root / FOLDER).glob("[0-9]*/[0-9]*/**/*")):
        name = path.relative_to(root)
        if path.is_file() and not (work / name).is_file():
            copy(path, work / name)


def _merge_lines(kept: Path, restored: Path) -> None:
    """Those of both. A line that either has twice stays twice, since the memory knows a book by what it begins with.

    A book that was lost and begun anew goes after the one that the backup has.
    """
    first, second = kept.read_text().splitlines(), restored.read_text().splitlines()
    if first[:1] != second[:1]:
        first, second = second, first
    had, lines = Counter(first), list(first)
    for line in second:
        if had[line] > 0:
            had[line] -= 1
        else:
            lines.append(line)
    write_durably(restored, "".join(f"{line}\n" for line in lines))
