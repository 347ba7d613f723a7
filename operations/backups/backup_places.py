"""Where backups of a warehouse are, and what a killed one, or a killed restore, left there.

What is not whole yet holds persons' data outside of every period, so whoever works on it holds a lock in it, which a
kill lets go: what nobody holds is a leftover, which the next backup and every round of retention take away.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from operations.store.locks import LOCK, is_held
from settings import PermanentError, Settings, UsageError
from settings.durable import begun_and_forgotten, write_json

BACKUPS = "backups.json"  # which backups there are of a warehouse, and since when; retention goes by it
BOOK = "books/backups.jsonl"  # a line for each backup that was made, with what its trial came to
RESTORED = "restored.json"  # in a warehouse that came from a backup: from which
_HELD = ".held"
_HALF_DONE = re.compile(r"\.\d{8}T\d{6}Z(-\d+)?\.(tmp|trial)")


def place_for(settings: Settings, to: Path | None) -> Path:
    """The folder to put backups into, made where it is not there; default ``<warehouse>.backups`` beside it.

    Raises:
        UsageError: it lies in the warehouse, or cannot be a folder to write to.
    """
    parent = (to or _default_place(settings)).absolute()
    root = settings.warehouse.resolve()
    if root in (parent.resolve(), *parent.resolve().parents):
        raise UsageError(f"{parent} lies in the warehouse; give --to DIR outside it")
    if parent.exists() and not parent.is_dir():
        raise UsageError(f"{parent} is no folder; give --to DIR")
    try:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UsageError(f"cannot make the folder {parent}: {error.strerror}") from error
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"the folder {parent} cannot be written")
    return parent


def free_name(parent: Path, made_at: datetime) -> Path:
    """A name that no backup has, nor one that is being made."""
    stamp = made_at.strftime("%Y%m%dT%H%M%SZ")
    names = (parent / name for name in (stamp, *(f"{stamp}-{number}" for number in range(2, 1000))))
    return next(one for one in names if not any(path.exists() for path in (one, half_done(one), trial_of(one))))


def half_done(folder: Path) -> Path:
    """What a backup is called while it is made, and while it is taken away."""
    return folder.with_name(f".{folder.name}.tmp")


def trial_of(folder: Path) -> Path:
    """Where a backup is restored on trial."""
    return folder.with_name(f".{folder.name}.trial")


def moved_away(root: Path) -> Path:
    """What the warehouse at `root` is called while a restored one takes its place."""
    return root.with_name(f".{root.name}.replaced")


def restoring(root: Path) -> Path:
    """Where a restored warehouse is made before it takes the place of the one at `root`."""
    return root.with_name(f".{root.name}.restoring")


def beside_of(root: Path) -> Path:
    """Where a throwaway warehouse is made beside the one at `root`; a name of its own each time."""
    return root.with_name(f".{root.name}.beside-{secrets.token_hex(4)}")


def is_beside(root: Path, folder: Path) -> bool:
    """Whether it is, by its name, a throwaway of the warehouse at `root`."""
    return folder.parent == root.parent and folder.name.startswith(f".{root.name}.beside-")


@contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """A new folder to work in, which goes with the work unless it was renamed."""
    folder.mkdir(mode=0o700, parents=True)
    with FileLock(folder / _HELD, mode=0o600):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def let_go(folder: Path) -> None:
    """Take the mark of :func:`claimed` away from what has its name, where nobody may take it for a leftover."""
    (folder / _HELD).unlink()


def leftovers(settings: Settings, *places: Path) -> list[Path]:
    """What killed or failed backups, restores and throwaway copies left of the warehouse, there and beside it; and the
    files in it that a killed process began to write."""
    root, known = settings.warehouse.absolute(), known_backups(settings)
    parents = {_default_place(settings), *places, *(one.parent for one in known)}
    parents |= {settings.backup.to.absolute()} if isinstance(settings.backup.to, Path) else set()
    found = {one for parent in parents for one in _listed(parent) if _HALF_DONE.fullmatch(one.name)}
    found |= {half_done(one) for one in known} | set(root.parent.glob(f".{root.name}.beside-*"))
    if not is_cut_in_two(root):
        found |= {moved_away(root), restoring(root)}
    files = {one for place in (root, *root.glob("*/"), *root.glob("books/*/")) for one in begun_and_forgotten(place)}
    return sorted(files | {one for one in found if one.is_dir() and not _is_held(one)})


def is_cut_in_two(root: Path) -> bool:
    """Whether a restore was killed between its two renames and another warehouse begun: the real one is moved away."""
    return moved_away(root).is_dir() and root.exists() and not (root / RESTORED).is_file()


def sweep(settings: Settings, *places: Path) -> None:
    """Take leftovers away. Call it with the warehouse held."""
    for one in leftovers(settings, *places):
        remove_leftover(one)


def remove_leftover(one: Path) -> None:
    """Take a leftover away, a folder or a file."""
    if one.is_dir():
        shutil.rmtree(one, ignore_errors=True)
    else:
        one.unlink(missing_ok=True)


def is_address(place: Path | str | None) -> bool:
    """Whether it is one of an object store, and no folder's."""
    return str(place).startswith("s3://")


def known_backups(settings: Settings) -> dict[Path, datetime]:
    """The backups made of this warehouse in folders, by where they were put, and when."""
    known = _book(settings.warehouse).items()
    return {Path(one): datetime.fromisoformat(made_at) for one, made_at in known if not is_address(one)}


def known_in_buckets(settings: Settings) -> dict[str, datetime]:
    """Those in object stores, by address; of one whose upload was killed only a part is there."""
    known = _book(settings.warehouse).items()
    return {one: datetime.fromisoformat(made_at) for one, made_at in known if is_address(one)}


def note(warehouse: Path, place: Path | str, made_at: datetime) -> None:
    """Book a backup as one of `warehouse`, before it is made; folders that are gone leave the book."""
    there = {
        one: at for one, at in _book(warehouse).items()
        if is_address(one) or Path(one).exists() or half_done(Path(one)).exists()
    }  # fmt: skip
    write_json(warehouse / BACKUPS, there | {str(place): made_at.isoformat()})


def forget(warehouse: Path, address: str) -> None:
    """Strike a backup that was removed from an object store."""
    write_json(warehouse / BACKUPS, {one: at for one, at in _book(warehouse).items() if one != address})


def _book(warehouse: Path) -> dict[str, str]:
    """What retention goes by. Where it is lost, or does not name a backup that is there, what was booked of the making
    stands in, or persons' data would stay for good."""
    path, made = warehouse / BACKUPS, _made(warehouse)
    if not path.exists():
        return made
    try:
        known: dict[str, str] = json.loads(path.read_text())
        return {one: at for one, at in made.items() if not is_address(one) and Path(one).is_dir()} | dict(known)
    except (ValueError, TypeError, IsADirectoryError) as error:
        raise PermanentError(
            f"{path}, the book of backups, is cut off or no JSON: put it back from a backup, or remove it;"
            f" then {BOOK} tells which backups there are"
        ) from error


def _made(warehouse: Path) -> dict[str, str]:
    path, found = warehouse / BOOK, {}
    for line in path.read_text().splitlines() if path.is_file() else []:
        with suppress(ValueError, TypeError, KeyError):  # a kill cut it short
            one = json.loads(line)
            found[one["folder"]] = one["made_at"]
    return {place: at for place, at in found.items() if place}  # or none was made


def take_away(folder: Path) -> None:
    """Remove a folder, out of sight in one step, since nobody may take half of it for a whole."""
    shutil.rmtree(half_done(folder), ignore_errors=True)
    os.rename(folder, half_done(folder))
    shutil.rmtree(half_done(folder))


def _default_place(settings: Settings) -> Path:
    root = settings.warehouse.absolute()
    return root.with_name(f"{root.name}.backups")


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # not there, or not for us to look into
        return []


def _is_held(folder: Path) -> bool:
    """Whether somebody works in it: a backup holds its mark, a restore the lock of the warehouse it moved away."""
    return is_held(folder / _HELD) or is_held(folder / LOCK)
