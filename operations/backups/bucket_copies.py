"""Backups in an object store: a prefix of files for each, which is a backup once its manifest is there."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ingestion.object_store import ABSENT, code_of, errors_told, prefix_of, without_options
from operations.backups.backup_manifest import MANIFEST, read_manifest
from operations.backups.backup_places import forget, known_in_buckets, note
from settings import Settings, UsageError, now
from settings.digests import sha256_of


def upload(settings: Settings, folder: Path, to: str) -> str:
    """Copy a verified backup to below `to`; it is booked before, so that retention knows of what a kill leaves there.

    Returns:
        The address of the copy, whose name no other backup has.

    Raises:
        UsageError: no credentials are found.
        TransientError: the store cannot be reached.
        PermanentError: it refuses.
    """
    manifest = read_manifest(folder)
    with (folder / MANIFEST).open("rb") as file:
        address = _below(to, f"{folder.name}-{sha256_of(file)[:12]}")
    note(settings.warehouse, address, datetime.fromisoformat(manifest["made_at"]))
    with errors_told(without_options(address), f"the backup is still in {folder}"):
        place = prefix_of(address)
        for name in manifest["files"]:
            place.put_file(f"warehouse/{name}", folder / "warehouse" / name)
        place.put_file(MANIFEST, folder / MANIFEST, IfNoneMatch="*")
        _strike_what_is_gone(settings, to)
    return address


def fetch(address: str, to: Path) -> None:
    """Bring a backup into the folder `to`; whoever restores it compares what came with its manifest.

    Raises:
        UsageError: there is no backup, or none that this release reads.
        TransientError: the store cannot be reached.
        PermanentError: it refuses, or files of the backup are gone.
    """
    from botocore.exceptions import ClientError

    where = without_options(address)
    with errors_told(where, "nothing was restored"):
        place = prefix_of(address)
        try:
            place.get_file(MANIFEST, to / MANIFEST)
        except ClientError as error:
            if code_of(error) in ABSENT:
                raise UsageError(f"{where} is no backup (no {MANIFEST})") from error
            raise
        manifest: dict[str, Any] = read_manifest(to)
        for name in manifest["files"]:
            place.get_file(f"warehouse/{name}", to / "warehouse" / name)


def remove(settings: Settings, address: str) -> None:
    """Take a backup away, its manifest first, since nobody may take half of it for a whole.

    Raises:
        UsageError, TransientError, PermanentError: as :func:`upload`; what is left goes the next time.
    """
    with errors_told(without_options(address), "the next `romi retention apply` removes the backup"):
        place = prefix_of(address)
        place.remove(MANIFEST)
        place.remove()
    forget(settings.warehouse, address)


def _strike_what_is_gone(settings: Settings, to: str) -> None:
    """Those below `to` that somebody, or a rule of the bucket, has removed; one of today may only have begun."""
    for address, made_at in known_in_buckets(settings).items():
        is_below = without_options(address).startswith(f"{without_options(to).rstrip('/')}/")
        if is_below and now() - made_at > timedelta(days=1) and not any(prefix_of(address).walk()):
            forget(settings.warehouse, address)


def _below(address: str, name: str) -> str:
    parts = urlsplit(address)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{name}").geturl()
