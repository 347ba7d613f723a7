"""The landing zone: which archives and files are there, by name; nothing is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from settings import Settings, UnknownValueError, UsageError, is_region_name

Kind = Literal["events", "spend", "ledger", "fx"]
FX_FILE = "fx/eurofxref-hist.csv"
_TABLE_SUFFIXES = (".csv", ".parquet")
_ARCHIVE = re.compile(
    r"(?P<topic>.+)\+(?P<partition>\d{1,9})\+(?P<start>\d{1,18})\.(?P<suffix>[A-Za-z0-9.]+)", re.DOTALL | re.ASCII
)
# How RudderStack and Segment themselves lay objects out: <folder>/<source>/<day>/<any name>. There are no offsets.
_OF_SOURCE = {
    layout: re.compile(rf"(?:.*/)?{folder}/(?P<topic>[^/]+)/(?:[^/]+/)*[^/]+\.(?i:{suffixes})", re.DOTALL)
    for layout, folder, suffixes in (
        ("rudderstack", "rudder-logs", r"json(\.gz|\.zst)?|parquet"),
        ("segment", "segment-logs", r"json(\.gz|\.zst)?|gz"),
    )
}
NO_PARTITION = -1
EVENT_SUFFIXES = {
    "segment": ("json", "json.gz", "json.zst", "parquet"),
    "snowplow": tuple(f"{text}{packed}" for text in ("json", "tsv", "txt") for packed in ("", ".gz", ".zst")),
    "ga4": ("json", "json.gz", "json.zst", "parquet"),
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
    partition: int = 0  # NO_PARTITION: its layout has no offsets, so a missing file cannot be told
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
    found = [one for one in _sorted_out(settings, region) if isinstance(one, Landed)]
    order = ("fx", "ledger", "spend", "events")
    return sorted(found, key=lambda one: (order.index(one.kind), one.topic, one.partition, one.start_offset, one.name))


def strays(settings: Settings, region: str) -> list[str]:
    """The files among events, spend and ledger that no reader takes: of an unknown kind, name or layout."""
    return [one for one in _sorted_out(settings, region) if isinstance(one, str)]


def _sorted_out(settings: Settings, region: str) -> Iterator[Landed | str]:
    """Each file that is there: as a reader takes it, or just its name."""
    root = landing_root(settings)
    folder = root / region
    if (root / FX_FILE).is_file():
        yield _landed("fx", root / FX_FILE, root)
    for kind in ("ledger", "spend"):
        for path in _files(folder / kind):
            has_platform = kind == "ledger" or path.parent != folder / kind
            is_table = has_platform and path.suffix.lower() in _TABLE_SUFFIXES
            yield _landed(kind, path, folder) if is_table else _text(path.relative_to(folder))
    for path in _files(folder / "events"):
        yield _archive(settings, path, folder) or _text(path.relative_to(folder))


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
    """The archive as the layout of its topic names it, or None."""
    if match := _ARCHIVE.fullmatch(_text(Path(path.name))):
        topic = settings.topic(match["topic"])
        if topic.layout == "kafka_connect" and match["suffix"].lower() in EVENT_SUFFIXES[topic.format]:
            place = {"partition": int(match["partition"]), "start_offset": int(match["start"])}
            return _landed("events", path, folder, topic=match["topic"], **place)
    for layout, pattern in _OF_SOURCE.items():
        match = pattern.fullmatch(_text(path.relative_to(folder)))
        if match and settings.topic(match["topic"]).layout == layout:
            return _landed("events", path, folder, topic=match["topic"], partition=NO_PARTITION)
    return None
