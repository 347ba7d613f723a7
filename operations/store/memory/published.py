"""What the warehouse does not have of the version that was published last, its pin, and the books of no region."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from operations.closes.locks import FOLDER, lost, place_of
from operations.store.memory import marks
from operations.store.memory.findings import Finding, LostStateError, of_books, of_region
from operations.store.memory.remembered import remembered_regions, warehouse_memory
from operations.store.memory.shapes import File, WarehouseMemory
from operations.store.versions import current_version, pinned_version, version_dir
from settings import Settings


def findings(settings: Settings, *, opens: bool = True) -> list[Finding]:
    """Everything that is missing of the warehouse and of every region that is remembered.

    Args:
        opens: the regions' files too, waiting for whoever holds one.
    """
    of_regions = [one for name in remembered_regions(settings) for one in of_region(settings, name, opens=opens)]
    return [*of_warehouse(settings), *of_regions]


@dataclass(frozen=True)
class AtStart:
    """What is missing as a run begins: regions that it stops, those that a load may mend, and lines for people."""

    stopped: frozenset[str]
    may_load_again: dict[str, Finding]
    findings: list[Finding]  # of what no load may mend

    @property
    def lines(self) -> list[str]:
        return [f"{one.region}: {one}" if one.region else str(one) for one in self.findings]


def at_start(settings: Settings, to_load: list[str]) -> AtStart:
    """What is missing, where a run is about to load the regions `to_load`.

    What is missing of the published version is left to :func:`refuse_lost_version`.
    """
    found = [one for name in remembered_regions(settings) for one in of_region(settings, name)]
    again = {str(one.region): one for one in found if one.may_load_again and one.region in to_load}
    final = [one for one in found if one not in again.values()]
    books = of_books(settings, None, warehouse_memory(settings))
    return AtStart(frozenset(str(one.region) for one in final), again, [*final, *books])


def of_warehouse(settings: Settings) -> list[Finding]:
    """What is missing of the published version, its pin, and the books that belong to no region."""
    memory = warehouse_memory(settings)
    found = [one for one in (_version(settings, memory), _pin(settings, memory), _close(settings, memory)) if one]
    return [*found, *of_books(settings, None, memory)]


def refuse_lost_version(settings: Settings) -> None:
    """Publish nothing over a version that is lost, or without a pin that is.

    Raises:
        LostStateError: the link, a file of the version, the pin or a closed month's lock is not there.
    """
    memory = warehouse_memory(settings)
    for one in (_version(settings, memory), _pin(settings, memory), _close(settings, memory)):
        if one:
            raise LostStateError(one)


def _version(settings: Settings, memory: WarehouseMemory) -> Finding | None:
    known, current = memory.published, current_version(settings)
    if known is None or (current is not None and current > known):
        return None
    if current not in (None, known) and pinned_version(settings) is not None:
        return None  # a rollback that was killed before it was remembered
    folder = version_dir(settings, known)
    if lost := _lost_files(folder, memory):
        return Finding(
            None, "version", f"{folder / lost[0]} is missing or not what was published",
            "the regions' files are safe: `romi restore DIR`, or `romi publish rollback VERSION` to an earlier version"
            " (`romi publish list`) and `romi publish unpin`, or `romi accept-loss --published`, after which `romi run`"
            " publishes anew from the regions' files, without the restatements so far",
        )  # fmt: skip
    if current == known:
        return None
    shown = f"shows version {current}" if current else "is not there, or shows nothing"
    return Finding(
        None, "version", f"{settings.published} {shown}; version {known} was published and is whole",
        f"`romi publish rollback {known}` and then `romi publish unpin` show it again",
    )  # fmt: skip


def _lost_files(folder: Path, memory: WarehouseMemory) -> list[str]:
    return [name for name, known in memory.files.items() if not _is_as_known(folder / name, known)]


def _is_as_known(path: Path, known: File) -> bool:
    if not path.is_file() or path.stat().st_size != known.bytes:
        return False
    return path.stat().st_mtime_ns == known.mtime_ns or marks.content_of(path) == known.sha256


def _pin(settings: Settings, memory: WarehouseMemory) -> Finding | None:
    if memory.pinned is None or pinned_version(settings) is not None:
        return None
    return Finding(
        None, "pin", f"version {memory.pinned} was pinned, but the pin in {settings.versions_dir} is gone",
        f"`romi publish rollback {memory.pinned}` pins it again; `romi publish unpin` gives it up",
    )  # fmt: skip


def _close(settings: Settings, memory: WarehouseMemory) -> Finding | None:
    if not (found := lost(settings, memory.closes)):
        return None
    named = ", ".join(place_of(folder) for folder in found)
    return Finding(
        None, "close", f"{found[0]} is missing or not what was locked (closes: {named})",
        f"put {found[0]} back from a backup (DIR/warehouse/{FOLDER}/…, or `romi restore DIR`); `romi close verify` says"
        " which file differs; `romi accept-loss --published` gives the lock up, and its month is open again",
    )  # fmt: skip
