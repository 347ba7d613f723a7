"""Whether the backups that are booked are there, in folders and in object stores: each file of a manifest, in its size.

No byte of a file is read. That a backup came back as it was, its restore on trial has shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from ingestion.object_store import errors_told, prefix_of, without_options
from operations.backups.backup_manifest import MANIFEST, read_manifest
from operations.backups.backup_places import BACKUPS, known_backups, known_in_buckets
from settings import RomiError, Settings

_AGAIN = "`romi backup` makes a new one"
_PARTS = f"{_AGAIN}; remove what is left there, or leave it to `romi retention apply`"


def looked_over(settings: Settings, *, is_fast: bool = False) -> Iterator[tuple[str, str | None, str | None]]:
    """The place of each backup, and where it is not whole, what is wrong and how to mend that.

    The fast form looks only whether folders have a manifest.
    """
    try:
        folders, addresses = known_backups(settings), known_in_buckets(settings)
    except (OSError, RomiError, AttributeError):
        book = settings.warehouse / BACKUPS
        yield str(book), f"the book of backups, {book}, cannot be read", _AGAIN
        return
    for folder in folders:
        if folder.exists():  # whoever moves one away has it elsewhere
            yield (str(folder), *in_folder(folder, is_fast=is_fast))
    for address in () if is_fast else addresses:
        yield (without_options(address), *_in_bucket(address))


def in_folder(folder: Path, *, is_fast: bool = False) -> tuple[str | None, str | None]:
    """What is wrong with the backup in a folder, and how to mend that; two times None where it is whole."""
    if not (folder / MANIFEST).is_file():
        return f"the backup {folder} has no manifest", _PARTS
    if is_fast:
        return None, None
    inside = folder / "warehouse"
    there = {one.relative_to(inside).as_posix(): one.stat().st_size for one in inside.rglob("*") if one.is_file()}
    return _compared(str(folder), folder, there)


def _in_bucket(address: str) -> tuple[str | None, str | None]:
    where = without_options(address)
    try:
        with errors_told(where, "whether the backup is there is not known"), TemporaryDirectory() as folder:
            place = prefix_of(address)
            there = {one.place: one.size for one in place.walk()}
            if not there:
                return f"the backup {where} is gone from the object store", _AGAIN
            if MANIFEST not in there:
                return f"the backup {where} was not uploaded whole", _PARTS
            place.get_file(MANIFEST, Path(folder) / MANIFEST)
            begins = "warehouse/"
            inside = {name.removeprefix(begins): size for name, size in there.items() if name.startswith(begins)}
            return _compared(where, Path(folder), inside)
    except RomiError as error:
        return str(error), "look at the credentials, the network and the store; then again"


def _compared(where: str, manifest: Path, there: dict[str, int]) -> tuple[str | None, str | None]:
    """Of the backup whose manifest lies in a folder, what of its files is not there in its size."""
    try:
        files = read_manifest(manifest)["files"]
    except RomiError as error:
        return f"the backup {where} cannot be restored: {str(error).replace(str(manifest), where)}", _PARTS
    changed = sorted(name for name, one in files.items() if there.get(name) != one["bytes"])
    if not changed:
        return None, None
    more = f", nor {len(changed) - 1:,} more" if len(changed) > 1 else ""
    return f"the backup {where} is not whole: {changed[0]} is not what was backed up{more}", _PARTS
