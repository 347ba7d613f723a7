"""Published versions: immutable folders, the link to the current one, and the pin that keeps it."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from settings import PermanentError, Settings
from settings.durable import read_json, sync

MANIFEST = "manifest.json"
PIN = "pinned.json"
# What the regions' files were when they last came out as the current version does, though rebuilt since.
SEEN = "seen.json"
# While a version waits to be linked, this link names it: os.replace makes it the current one or leaves it behind.
_WAITING = ".published.next"
_TURNING = ".published.back"


@dataclass(frozen=True)
class RegionInfo:
    """What a version holds of a region; moments are UTC, without an offset, as in tables."""

    input_watermark: datetime | None
    withheld_days: tuple[date, ...]
    carried_over: bool


@dataclass(frozen=True)
class VersionInfo:
    """One published version, as its manifest tells."""

    id: int
    built_at: datetime
    is_current: bool
    regions: dict[str, RegionInfo]


def version_dir(settings: Settings, version: int) -> Path:
    return settings.versions_dir / f"{version:06d}"


def current_version(settings: Settings) -> int | None:
    """The version that ``published`` points to; None before the first."""
    if not settings.published.is_symlink():
        return None
    folder = Path(os.readlink(settings.published))
    return int(folder.name) if (settings.warehouse / folder).is_dir() else None


def pinned_version(settings: Settings) -> int | None:
    """The version that a rollback pinned; while there is one, nothing is published."""
    pinned: int | None = read_json(settings.versions_dir / PIN).get("version")
    return pinned


def versions(settings: Settings) -> list[VersionInfo]:
    """Every version at hand, oldest first."""
    current = current_version(settings)
    found = []
    for version in version_ids(settings):
        manifest = read_manifest(settings, version)
        regions = {name: _region_info(state) for name, state in manifest["regions"].items()}
        built_at = datetime.fromisoformat(manifest["built_at"])
        found.append(VersionInfo(version, built_at, version == current, regions))
    return found


def _region_info(state: dict[str, Any]) -> RegionInfo:
    watermark = state["input_watermark"]
    return RegionInfo(
        input_watermark=datetime.fromisoformat(watermark) if watermark else None,
        withheld_days=tuple(map(date.fromisoformat, state["withheld_days"])),
        carried_over=state["carried_over"],
    )


def version_ids(settings: Settings) -> list[int]:
    """The ids of whole versions; one that a killed run built but did not link is none."""
    waiting = settings.warehouse / _WAITING
    unlinked = Path(os.readlink(waiting)).name if waiting.is_symlink() else None
    folders = settings.versions_dir.glob("*")
    return sorted(int(one.name) for one in folders if re.fullmatch(r"\d{6,}", one.name) and one.name != unlinked)


def read_manifest(settings: Settings, version: int) -> dict[str, Any]:
    return read_version_manifest(version_dir(settings, version))


def read_version_manifest(folder: Path) -> dict[str, Any]:
    """Of a version in `folder`, which may still be its work folder.

    Raises:
        PermanentError: it is missing or damaged.
    """
    if not (manifest := read_json(folder / MANIFEST)):
        raise PermanentError(f"{folder / MANIFEST} is missing or damaged, so the version cannot be told: `romi doctor`")
    return manifest


def last_seen(settings: Settings) -> dict[str, Any]:
    """What the regions' files were when they last came out as a version; empty where that is not known."""
    return read_json(settings.versions_dir / SEEN)


def shown_regions(settings: Settings) -> dict[str, Any]:
    """The regions' states that the current version shows, by region."""
    if (current := current_version(settings)) is None:
        return {}
    known = last_seen(settings)
    regions: dict[str, Any] = (known if known.get("version") == current else read_manifest(settings, current))[
        "regions"
    ]
    return regions


def show_again(settings: Settings, version: int) -> None:
    """Have the link show an earlier version."""
    _link(settings, _TURNING, version)
    os.replace(settings.warehouse / _TURNING, settings.published)
    sync(settings.warehouse)


def set_aside(settings: Settings, version: int) -> None:
    """Take a version that is lost out of sight: nothing is published until the next one, which clears it away."""
    if current_version(settings) in (version, None):
        settings.published.unlink(missing_ok=True)
    if version_dir(settings, version).exists():
        os.rename(version_dir(settings, version), work_dir(settings, version))


def work_dir(settings: Settings, version: int) -> Path:
    """Where a version is built, out of every reader's way."""
    return settings.versions_dir / f".{version:06d}.tmp"


def put_in_place(settings: Settings, version: int) -> None:
    """Freeze what was built in the version's work folder and make it the current one, in one rename of the link."""
    folder = work_dir(settings, version)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(0o440)
        sync(path)
    sync(folder)
    _link(settings, _WAITING, version)
    os.rename(folder, version_dir(settings, version))
    sync(settings.versions_dir)
    os.replace(settings.warehouse / _WAITING, settings.published)
    sync(settings.warehouse)


def remove_leftovers(settings: Settings) -> None:
    """Clear what a killed run left: work folders, and a version that never became the current one."""
    waiting = settings.warehouse / _WAITING
    if waiting.is_symlink():
        unlinked = settings.warehouse / os.readlink(waiting)
        if unlinked.is_dir():
            os.rename(unlinked, unlinked.with_name(f".{unlinked.name}.tmp"))
        waiting.unlink()
    for folder in settings.versions_dir.glob(".*.tmp"):
        shutil.rmtree(folder)


def _link(settings: Settings, name: str, version: int) -> None:
    path = settings.warehouse / name
    path.unlink(missing_ok=True)
    path.symlink_to(version_dir(settings, version).relative_to(settings.warehouse))


def dispose_other_versions(settings: Settings) -> int:
    """Leave the current version alone; returns how many were disposed of."""
    current = current_version(settings)
    others = [one for one in version_ids(settings) if one != current]
    for version in others:
        shutil.rmtree(version_dir(settings, version))
    return len(others)
