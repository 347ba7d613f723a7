"""The landing zone: which archives and files are there, by name; nothing is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path, PurePath
from typing import Any, Literal

from ingestion.sources.tabular.grids import has_table_suffix
from ingestion.zone import File, Zone, zone
from settings import Settings, Topic, UnknownValueError, UsageError, is_region_name

Kind = Literal["events", "spend", "ledger", "fx"]
Stamps = Mapping[str, tuple[int, int]]  # by name: bytes, mtime in ns
Place = tuple[Kind, str, File]  # a file, with its place in the region's folder
KINDS: tuple[Kind, ...] = ("ledger", "spend", "events")
FX_FILE = "fx/eurofxref-hist.csv"
_ORDER = ("fx", "ledger", "spend", "events")
_COMMERCE = re.compile(r"order|checkout|commerce|purchase|transaction|payment|refund", re.IGNORECASE)
_ARCHIVE = re.compile(
    r"(?P<topic>.+)\+(?P<partition>\d{1,9})\+(?P<start>\d{1,18})\.(?P<suffix>[A-Za-z0-9.]+)", re.DOTALL | re.ASCII
)
# A name, of a file or of a folder above it, from "." or "_" or with one of two suffixes; ".tmp" alone is none.
_BEING_WRITTEN = re.compile(r"(?:^|/)[._]|[^/]\.(?:tmp|part)(?:/|\Z)")
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


@dataclass(frozen=True, slots=True)
class Landed:
    """A file of the landing zone, as its name and `stat` tell it."""

    kind: Kind
    path: File
    name: str  # relative to the region's folder (fx: to the landing zone), its identity in the books
    size: int
    mtime_ns: int
    topic: str = ""
    partition: int = 0  # NO_PARTITION: its layout has no offsets, so a missing file cannot be told
    start_offset: int = 0
    replica: File | None = None  # its copy in the region's replica root
    is_primary: bool = True  # False: only the replica has it


def regions(settings: Settings) -> list[str]:
    """The regions to process: each folder of the landing zone, every one known to the configuration.

    Raises:
        UsageError: a folder is no region of the configuration or cannot name one, or there is none at all.
    """
    landing = zone(settings.landing)
    folders = sorted(name for name in landing.folders() if is_there(name) and name != "fx")
    for name in folders:
        if settings.regions is not None and name not in settings.regions:
            raise UnknownValueError("region in the landing zone:", name, list(settings.regions))
        if not is_region_name(name):
            raise UsageError(
                f"the folder {name!r} in {settings.landing} cannot name a region: letters, digits, '-' and '_'"
            )
    if not folders:
        raise UsageError(
            f"the landing zone {settings.landing} has no region's folder, such as {settings.landing}/eu/events"
        )
    return folders


def discover(
    settings: Settings, region: str, passing: Stamps | None = None, there: list[Place] | None = None, *,
    afresh: bool = False,
) -> list[Landed]:  # fmt: skip
    """Everything landed for `region`, in the order in which it is loaded: fx, ledger, spend, then archives, those of
    commerce first, by topic, partition and offset. Files still being written (``.tmp``, ``.part``, names from ``.`` or
    ``_``) are not there.

    Args:
        passing: files to pass over: those of these names with these bytes and this mtime in ns.
        there: what :func:`lying` told, where it was asked already.
        afresh: list all of a bucket, as it is now (see :mod:`ingestion.listing`).
    """
    found = _sorted_out(settings, region, passing or {}, there, afresh=afresh)
    return sorted((one for one in found if isinstance(one, Landed)), key=loading_order)


def loading_order(landed: Landed) -> tuple[Any, ...]:
    """What sorts files as they are loaded: money before behaviour, so that after an outage it is right first.

    It depends on names alone: a load that was killed goes on in the same order.
    """
    is_behaviour = landed.kind == "events" and not _COMMERCE.search(landed.topic)
    place = (landed.topic, landed.partition, landed.start_offset, landed.name)
    return _ORDER.index(landed.kind), is_behaviour, *place


def listings(settings: Settings) -> Path | None:
    """Where listings of a bucket are kept; None where there is no warehouse yet."""
    return settings.warehouse / "status" if settings.warehouse.is_dir() else None


def layout_of(name: str) -> tuple[str, str] | None:
    """The topic and the layout that the place of an archive without offsets tells, or None."""
    for layout, pattern in _OF_SOURCE.items():
        if match := pattern.fullmatch(name):
            return match["topic"], layout
    return None


def _sorted_out(
    settings: Settings, region: str, passing: Stamps | None = None, there: list[Place] | None = None, *,
    afresh: bool = False,
) -> Iterator[Landed | str]:  # fmt: skip
    """Each file that is there: as a reader takes it, or just its name."""
    landing = zone(settings.landing, None if afresh else listings(settings))
    taken, _ = rates(landing)
    if taken:
        place, file = taken
        yield _landed("fx", file, text_of(f"fx/{place}"))
    yield from listed(settings, lying(landing, f"{region}/", passing or {}) if there is None else there)


def lying(landing: Zone, folder: str, passing: Stamps | None = None) -> list[Place]:
    """What lies in one region's folder (its name with a slash, or "" for the root itself), no name taken apart yet."""
    return [found for kind in KINDS for found in _files(landing, folder, kind, passing or {})]


def listed(settings: Settings, there: list[Place]) -> Iterator[Landed | str]:
    """The same as readers take it, or just its name."""
    topics: dict[str, Topic] = {}
    for kind, place, file in there:
        if kind == "events":
            yield _archive(settings, topics, file, text_of(place)) or text_of(place)
        else:
            has_platform = kind == "ledger" or place.count("/") > 1  # spend/<platform>/<file>
            is_table = has_platform and has_table_suffix(PurePath(place).name)
            yield _landed(kind, file, text_of(place)) if is_table else text_of(place)


def rates(landing: Zone) -> tuple[tuple[str, File] | None, list[tuple[str, File]]]:
    """The file of reference rates, and whatever else lies in ``fx/``."""
    found = sorted(landing.files("fx"), key=itemgetter(0))
    name = PurePath(FX_FILE).stem
    tables = [one for one in found if one[0].startswith(f"{name}.") and has_table_suffix(PurePath(one[0]).name)]
    taken = min(tables, key=lambda one: (one[0] != PurePath(FX_FILE).name, one[0]), default=None)
    return taken, [one for one in found if one is not taken]


def _files(landing: Zone, folder: str, kind: Kind, passing: Stamps) -> list[Place]:
    """What lies below a folder of the region's, by its place in the region's folder."""
    found: list[Place] = []
    for below, file in landing.files(f"{folder}{kind}"):
        place = f"{kind}/{below}"
        if is_there(place) and not (passing and passing.get(place) == file.stat()):
            found.append((kind, place, file))
    return sorted(found, key=itemgetter(1))


def is_there(place: str) -> bool:
    """Whether neither the file nor a folder above it is still being written."""
    may_be_written = place[0] in "._" or "/." in place or "/_" in place or ".tmp" in place or ".part" in place
    return not may_be_written or _BEING_WRITTEN.search(place) is None  # the search takes longer than to list the file


def _landed(kind: Kind, file: File, name: str, **place: str | int) -> Landed:
    stat = file.stat()
    return Landed(kind, file, name, stat.st_size, stat.st_mtime_ns, **place)  # type: ignore[arg-type]


def text_of(path: str) -> str:
    """A path as text that any database holds, whatever its bytes are."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")


def _archive(settings: Settings, topics: dict[str, Topic], file: File, name: str) -> Landed | None:
    """The archive as the layout of its topic names it, or None.

    Args:
        topics: those that were looked up before.
    """
    if match := _ARCHIVE.fullmatch(name.rpartition("/")[2]):
        topic_name, partition, start, suffix = match.groups()
        if (topic := topics.get(topic_name)) is None:
            topic = topics[topic_name] = settings.topic(topic_name)
        if topic.layout == "kafka_connect" and suffix.lower() in EVENT_SUFFIXES[topic.format]:
            stat = file.stat()
            return Landed("events", file, name, stat.st_size, stat.st_mtime_ns, topic_name, int(partition), int(start))
    if (seen := layout_of(name)) and settings.topic(seen[0]).layout == seen[1]:
        return _landed("events", file, name, topic=seen[0], partition=NO_PARTITION)
    return None
