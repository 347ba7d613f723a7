"""The landing zone: which archives and files are there, by name; nothing is opened."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from settings import Settings, UnknownValueError, UsageError, is_region_name

Kind = Literal["events", "spend", "ledger", "fx"]
FX_FILE = "fx/eurofxref-hist.csv"
_TABLE_SUFFIXES = (".csv",)
_ARCHIVE = re.compile(
    r"(?P<topic>.+)\+(?P<partition>\d{1,9})\+(?P<start>\d{1,18})\.(?P<suffix>[A-Za-z0-9.]+)", re.DOTALL | re.ASCII
)
EVENT_SUFFIXES = {
    "segment": ("json", "json.gz"),
    "snowplow": ("json", "json.gz", "tsv", "tsv.gz", "txt", "txt.gz"),
    "ga4": ("json", "json.gz"),
}


@dataclass(frozen=True)
class Landed:
    """A file of the landing zone, as its name and `stat` tell it."""

    kind: Kind
    path: Path
    name: str  # relative to the region's folder (fx: to the landing zone), its identity in the books
    size: int
    mtime_ns: int
    topic: str = ""
    partition: int = 0
    start_offset: int = 0


def landing_root(settings: Settings) -> Path:
    """The landing zone's folder.

    Raises:
        UsageError: it is not there, or is an object store.
    """
    if "://" in settings.landing:
        raise UsageError(f"landing {settings.landing}: only folders can be read so far; mount or copy the bucket")
    root = Path(settings.landing)
    if not root.is_dir():
        raise UsageError(f"no landing zone at {root}; give --landing DIR, or try `romi demo` for a sample")
    return root


def regions(settings: Settings) -> list[str]:
    """The regions to process: each folder of the landing zone, every one known to the configuration.

    Raises:
        UsageError: a folder is no region of the configuration or cannot name one, or there is none at all.
    """
    root = landing_root(settings)
    try:
        folders = sorted(
            path.name for path in root.iterdir() if path.is_dir() and _is_there(path) and path.name != "fx"
        )
    except OSError as error:
        raise UsageError(f"the landing zone {root} cannot be read: {error.strerror}") from error
    for name in folders:
        if settings.regions is not None and name not in settings.regions:
            raise UnknownValueError("region in the landing zone:", name, list(settings.regions))
        if not is_region_name(name):
            raise UsageError(f"the folder {name!r} in {root} cannot name a region: letters, digits, '-' and '_'")
    if not folders:
        raise UsageError(f"the landing zone {root} has no region's folder, such as {root}/eu/events")
    return folders


def discover(settings: Settings, region: str) -> list[Landed]:
    """Everything landed for `region`, in the order in which it is loaded: fx, ledger, spend, then archives by topic,
    partition and offset. Files still being written (``.tmp``, ``.part``, names from ``.`` or ``_``) are not there."""
    root = landing_root(settings)
    folder = root / region
    found = [_landed("fx", root / FX_FILE, root)] if (root / FX_FILE).is_file() else []
    for kind in ("ledger", "spend"):
        tables = [path for path in _files(folder / kind) if path.suffix.lower() in _TABLE_SUFFIXES]
        found += [_landed(kind, path, folder) for path in tables if kind == "ledger" or path.parent != folder / kind]
    archives = [archive for path in _files(folder / "events") if (archive := _archive(settings, path, folder))]
    return found + sorted(archives, key=lambda one: (one.topic, one.partition, one.start_offset, one.name))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.rglob("*")
        if path.is_file() and all(_is_there(part) for part in map(Path, path.relative_to(folder).parts))
    )  # fmt: skip


def _is_there(path: Path) -> bool:
    return not path.name.startswith((".", "_")) and path.suffix not in (".tmp", ".part")


def _landed(kind: Kind, path: Path, folder: Path, **place: str | int) -> Landed:
    stat = path.stat()
    return Landed(kind, path, _text(path.relative_to(folder)), stat.st_size, stat.st_mtime_ns, **place)  # type: ignore[arg-type]


def _text(path: Path) -> str:
    """A path as text that any database holds, whatever its bytes are."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _archive(settings: Settings, path: Path, folder: Path) -> Landed | None:
    match = _ARCHIVE.fullmatch(_text(Path(path.name)))
    if not match:
        return None
    suffixes = EVENT_SUFFIXES[settings.topic(match["topic"]).format]
    if match["suffix"].lower() not in suffixes:
        return None
    return _landed(
        "events",
        path,
        folder,
        topic=match["topic"],
        partition=int(match["partition"]),
        start_offset=int(match["start"]),
    )
