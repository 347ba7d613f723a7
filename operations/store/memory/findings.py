"""What a region does not have that it must have, and what mends it.

A region that has less than is remembered stops alone, and its last good rows stay published.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import duckdb

from ingestion.books import region_file
from operations.store.memory import marks
from operations.store.memory.remembered import region_memory
from operations.store.memory.shapes import Archive, Memory, RegionMemory
from privacy.keys import key_file
from privacy.suppression_book import SuppressionBook
from settings import PermanentError, RomiError, Settings, TransientError

Kind = Literal["missing_file", "damaged_file", "new_file", "older_file", "copies", "book", "key", "removed", "version",
               "pin", "tombstones", "close"]  # fmt: skip
_NAMED = 3  # archives
_AGAIN = "or let those archives land again and `romi run`"


@dataclass(frozen=True)
class Finding:
    """Something that is missing: `what` it is, for people, and what `mend`s it. `region` None: of the warehouse."""

    region: str | None
    kind: Kind
    what: str
    mend: str
    archives: int = 0  # known to be missing
    records: int = 0
    lacks_erased: bool = False  # persons who were erased since are in no archive that lands again

    @property
    def may_load_again(self) -> bool:
        """Whether a run may get it back from the landing zone, so that only what lacks after that counts."""
        return self.kind in ("missing_file", "new_file", "older_file") and not self.lacks_erased

    def __str__(self) -> str:
        return f"{self.what}; {self.mend}"


class LostStateError(PermanentError):
    """A region, or what is published, has less than is remembered of it."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(str(finding))


def of_region(settings: Settings, region: str, *, opens: bool = True) -> list[Finding]:
    """What is missing of a region; a file that a writer holds is passed over."""
    if (memory := region_memory(settings, region)) is None:
        return []
    found = [*_removed(settings, region, memory), *of_books(settings, region, memory), *_keys(settings, region, memory)]
    return [*found, *(_of_file(settings, region, memory) if opens or not settings.region_file(region).exists() else ())]


def _of_file(settings: Settings, region: str, memory: RegionMemory) -> Iterator[Finding]:
    path = settings.region_file(region)
    if not path.exists():
        if memory.identity:
            yield _gone(settings, region, memory)
        return
    try:
        with region_file(settings, region, read_only=True) as con:
            if one := of_open_file(con, settings, region):
                yield one
    except (TransientError, duckdb.Error) as error:
        if "held by another process" not in str(error):
            yield _damaged(settings, region, memory)
    except RomiError:  # another format, or its key: told where it is opened to work on it
        return


def of_open_file(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> Finding | None:
    """Whether the region's file, as it is open here, is a new one or an older copy; None where it is the one."""
    memory = region_memory(settings, region)
    if memory is None or not memory.identity:
        return None
    is_the_one = marks.identity(con) == memory.identity
    if is_the_one and marks.digest(con, memory.tip) == memory.digest:
        return None
    missing = missing_archives(con, memory)
    too_old = max(0, marks.expired(con) - memory.expired)
    which = "an older copy of" if is_the_one else "not, but a new one in the place of,"
    lacks_erased = _has_erased(settings, region, memory, marks.tombstones(con) if is_the_one else 0)
    return Finding(
        region, "older_file" if is_the_one else "new_file",
        f"{settings.region_file(region)} is {which} the file that was published from: {_lacking(missing, too_old)};"
        f" {_stays(memory)}",
        _put_back(region, _AGAIN, lacks_erased=lacks_erased),
        len(missing), sum(one.records for one in missing) + too_old, lacks_erased,
    )  # fmt: skip


def of_open_region(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> Finding | None:
    """What keeps a region, whose file is open here, from being published."""
    memory = region_memory(settings, region)
    if memory is None:
        return None
    return of_open_file(con, settings, region) or next(of_books(settings, region, memory), None)


def missing_archives(con: duckdb.DuckDBPyConnection, memory: RegionMemory) -> list[Archive]:
    """The remembered files of the landing zone that the region's file does not hold.

    Of a table, a later delivery under the same name stands for an earlier one; of an archive, one with as many records.
    """
    held = marks.archives(con)
    contents = {one.content for one in held}
    records: dict[str, int] = {}
    for one in held:
        records[one.name] = max(one.records, records.get(one.name, 0))
    return [
        one for one in memory.archives
        if one.content not in contents
        and (one.name not in records or (one.kind == "events" and records[one.name] < one.records))
    ]  # fmt: skip


def is_whole(con: duckdb.DuckDBPyConnection, memory: RegionMemory) -> bool:
    """Whether a new or older file has by now all that is remembered, since it was loaded again."""
    return not missing_archives(con, memory) and marks.expired(con) <= memory.expired


def of_books(settings: Settings, region: str | None, memory: Memory) -> Iterator[Finding]:
    """The books of lines of a region, or of the warehouse, that are missing, shorter or others than they were."""
    for name, has in marks.lost_books(settings, memory.books).items():
        which = f"--region {region}" if region else "--published"
        yield Finding(
            region, "book",
            f"the book {settings.warehouse / name} {has}; {memory.books[name].lines:,} lines are remembered",
            f"put it back from a backup (DIR/warehouse/{name}); if it is lost for good, `romi accept-loss {which}`",
        )  # fmt: skip


def _removed(settings: Settings, region: str, memory: RegionMemory) -> Iterator[Finding]:
    if settings.regions is None or region in settings.regions or memory.is_closed:
        return
    yield Finding(
        region, "removed",
        f"region {region} was published and is not in the configuration any more; {_stays(memory)}",
        f"put {region} back under `regions`; if it is closed, `romi accept-loss --region {region}`",
    )  # fmt: skip


def _keys(settings: Settings, region: str, memory: RegionMemory) -> Iterator[Finding]:
    at_hand = marks.key_fingerprints(settings, region) if memory.keys else {}
    for purpose, known in memory.keys.items():
        if at_hand.get(purpose) == known or (purpose == "pseudonym" and marks.is_rotated(settings, region, known)):
            continue
        state = "is another than it was" if purpose in at_hand else "is not at hand"
        yield Finding(
            region, "key", f"the {purpose} key of region {region} {state}",
            f"put {_keys_place(settings)} back as it was, or the variable that gave the key; if it is lost for good,"
            f" `romi accept-loss --region {region}`",
        )  # fmt: skip


def _keys_place(settings: Settings) -> str:
    try:
        return str(key_file(settings.warehouse))
    except RomiError:
        return "the keys file"


def _gone(settings: Settings, region: str, memory: RegionMemory) -> Finding:
    lacks_erased = _has_erased(settings, region, memory, 0)
    return Finding(
        region, "missing_file",
        f"{settings.region_file(region)} is gone, with {len(memory.archives):,} files of the landing zone"
        f" ({memory.records:,} records) in it; {_stays(memory)}",
        _put_back(region, _AGAIN, lacks_erased=lacks_erased),
        len(memory.archives), memory.records, lacks_erased,
    )  # fmt: skip


def _has_erased(settings: Settings, region: str, memory: RegionMemory, known: int) -> bool:
    """Whether credit of persons who were erased is published, with more tombstones than the `known` ones."""
    if memory.worth is None:
        return False
    try:
        return SuppressionBook(settings.warehouse, region).size() > known
    except RomiError:  # it cannot be told here, and whoever needs the tombstones says what is wrong with them
        return True


def _damaged(settings: Settings, region: str, memory: RegionMemory) -> Finding:
    return Finding(
        region, "damaged_file",
        f"{settings.region_file(region)} cannot be opened: it is damaged, or no database; {_stays(memory)}",
        _put_back(region, "or move it away and `romi run`, which loads again what the landing zone still has"),
        len(memory.archives), memory.records,
    )  # fmt: skip


def _lacking(missing: list[Archive], too_old: int) -> str:
    if missing:
        names = ", ".join(one.name for one in missing[:_NAMED]) + (" and others" if len(missing) > _NAMED else "")
        return f"{len(missing):,} files with {sum(one.records for one in missing):,} records are not in it ({names})"
    if too_old:
        return f"{too_old:,} records came too late to be loaded again (retention.raw_days)"
    return "all that it held was loaded again"


def _stays(memory: RegionMemory) -> str:
    return f"what was published of it stays ({memory.worth})" if memory.worth else "nothing of it was published yet"


def _put_back(region: str, otherwise: str, *, lacks_erased: bool = False) -> str:
    back = f"put it back from a backup (`romi restore DIR`, or only DIR/warehouse/regions/{region}.duckdb)"
    lost = f"if it is lost for good, `romi accept-loss --region {region}`"
    if lacks_erased:
        return (
            f"{back} made since the last erasure; loaded again it would hold nothing of persons who were erased, and"
            f" what is credited for their orders would move to (unattributed); {lost}, and `romi run` loads it so"
        )
    return f"{back}, {otherwise}; {lost}"
