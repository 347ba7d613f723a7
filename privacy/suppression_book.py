"""Where a region's tombstones are kept: in two places, with a memory of how many there must be.

The book stands in the warehouse and beside the keys (:mod:`privacy.tombstone_memory`), and what either knows is in
force. Where both know fewer tombstones than were made, nothing of the region is read, loaded or published.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from privacy import tombstone_memory as memory
from privacy.asked import Asked
from privacy.keys import Key, key_file, note, region_key
from privacy.line_book import Line, LineBook, line_text
from privacy.suppression import ALWAYS, Suppression, Tombstone
from privacy.tombstone_memory import Remembered
from settings import PermanentError, UsageError


class ForgottenError(PermanentError):
    """Fewer tombstones are known than were made: somebody who was erased might come back."""


class SuppressionBook:
    """A region's tombstones, in a file beside its other books and in a copy beside the keys."""

    def __init__(self, warehouse: Path, region: str) -> None:
        self.warehouse, self.region = warehouse, region
        self.lines = LineBook(warehouse / "books" / region / "suppression.jsonl", region)

    def load(self) -> Suppression | None:
        """The tombstones with their key; None where nobody was ever erased.

        Raises:
            ForgottenError: there must be more of them.
            UsageError: the key is not at hand, or another than the tombstones were made with.
            PermanentError: the book cannot be read.
        """
        lines = [line for line in self._known() if "asked" not in line]
        if not lines:
            return None
        key = region_key(self.warehouse, self.region, "suppression", make=False)
        if other := {line["key"] for line in lines} - {key.fingerprint}:
            raise UsageError(
                f"the tombstones of region {self.region} were made under key {', '.join(sorted(other))}, but the"
                f" suppression key at hand is {key.fingerprint}: give it the old one (ROMI_KEY_FILE)"
            )
        return Suppression(key, [_tombstone(line) for line in lines])

    def key(self) -> Key:
        """The key for new tombstones, made where the region has none and no tombstones either."""
        is_first = self.load() is None
        if is_first:  # before the key, since a key without this says that tombstones were lost
            memory.remember(self.warehouse, self.region, [])
        return region_key(self.warehouse, self.region, "suppression", make=is_first)

    def asked(self) -> list[Asked]:
        """What the erasures' requests named, as keyed hashes.

        Raises: as :meth:`load`.
        """
        return [Asked.of(line) for line in self._known() if "asked" in line]

    def requests(self) -> dict[str, datetime]:
        """The erasures that have tombstones here, by their requests' ids, with the moment they count from.

        Raises: as :meth:`load`.
        """
        return {line["request"]: datetime.fromisoformat(line["erased_at"]) for line in self._known()}

    def size(self) -> int:
        """How many lines both places know together.

        Raises: as :meth:`load`.
        """
        return len(self._known())

    def count(self, request: str) -> int:
        """How many tombstones the erasure of a request has."""
        return sum(line["request"] == request and "asked" not in line for line in self._known())

    def add(self, key: Key, tombstones: Iterable[Tombstone], asked: Iterable[Asked] = ()) -> int:
        """Write tombstones to both places and remember them, with what the request named.

        Returns:
            How many were new.

        Raises:
            UsageError: the place beside the keys cannot be written; nothing was added.
        """
        self.mend()
        lines = [
            {"region": self.region, "key": key.fingerprint, "mark": one.mark, "erased_at": one.erased_at.isoformat(),
             "request": one.request,
             **({} if one.is_whole else {"span": [moment.isoformat() for moment in one.span]})}
            for one in tombstones
        ]  # fmt: skip
        lines += [{"region": self.region, **one.line(key)} for one in asked]
        memory.keep_copy(self.warehouse, self.region, [*self._known(), *lines])
        added = self.lines.append(*lines)
        memory.remember(self.warehouse, self.region, self._known())
        return added

    def merge(self, other: Path) -> int:
        """Take over the tombstones of a backup's book; ours all stay."""
        return self.lines.merge(other)

    def mend(self) -> list[str]:
        """Give each place what only the other knows, and remember what both know.

        Returns:
            A line for people for each that lacked something.

        Raises:
            ForgottenError: there must be more tombstones than both know.
        """
        known, said = self._known(), []
        if not known:
            return []
        ours = self._read_ours()
        if ours is None:
            os.replace(self.lines.path, self.lines.path.with_name(f"{self.lines.path.name}.damaged"))
        if back := self.lines.append(*known):
            said.append(f"the suppression book lacked {back} tombstones, which are back from beside the keys")
        try:
            if memory.read_copy(self.warehouse, self.region) is None:
                copy = memory.copy_of(self.warehouse, self.region).path
                os.replace(copy, copy.with_name(f"{copy.name}.damaged"))
            if back := memory.keep_copy(self.warehouse, self.region, known):
                said.append(f"{back} tombstones were copied to their second place beside the keys")
            memory.remember(self.warehouse, self.region, known)
        except (UsageError, OSError) as error:
            said.append(f"tombstones stand in one place only: {error}")
        return said

    def disagreement(self) -> str | None:
        """What is wrong with the two places and the memory, in a line; None where they agree.

        Raises:
            UsageError: the keys file cannot be read.
        """
        try:
            known = self._known()
        except PermanentError as error:
            return str(error)
        places = {"the warehouse": self._read_ours(), "beside the keys": memory.read_copy(self.warehouse, self.region)}
        for place, lines in places.items():
            if lines is None or Remembered.of(lines) != Remembered.of(known):
                return f"the suppression book of region {self.region} in {place} lacks tombstones: `romi run` mends it"
        return None

    def accept_loss(self) -> int:
        """Go by what is known from now on, though more was remembered; returns how many tombstones are given up.

        Whoever they were for comes back as soon as their records arrive again.
        """
        must, known = memory.remembered(self.warehouse, self.region), self._union()
        memory.remember(self.warehouse, self.region, known)
        return max(0, (must.count if must else 0) - len(known))

    def _known(self) -> list[Line]:
        """What either place knows, the warehouse's lines first; checked against the memory."""
        known, must = self._union(), memory.remembered(self.warehouse, self.region)
        if must is None and not known and self._has_unexplained_key():
            raise ForgottenError(
                f"region {self.region} has a suppression key, so somebody was erased, but neither {self.lines.path} nor"
                f" {memory.copy_of(self.warehouse, self.region).path} is there: {self._way_out()}"
            )
        if must and not must.agrees(found := Remembered.of(known)):
            raise ForgottenError(
                f"region {self.region} knows {found.count} tombstones of erased persons, but {must.count} were made,"
                f" says {key_file(self.warehouse)}: {self._way_out()}"
            )
        return known

    def _way_out(self) -> str:
        return (
            f"nothing of it is loaded or published until {self.lines.path.name} is put back from a backup, in the"
            f" warehouse or as {memory.copy_of(self.warehouse, self.region).path};"
            f" if it is lost for good, `romi accept-loss --region {self.region}`"
        )

    def _union(self) -> list[Line]:
        ours, theirs = self._read_ours(), memory.read_copy(self.warehouse, self.region)
        if ours is None or theirs is None:
            whole = theirs if ours is None else ours
            must = memory.remembered(self.warehouse, self.region)
            if not whole or must is None or not must.agrees(Remembered.of(whole)):
                broken = self.lines if ours is None else memory.copy_of(self.warehouse, self.region)
                return broken.lines()  # says that it cannot be read
            return whole
        return list({line_text(line): line for line in [*ours, *theirs]}.values())

    def _read_ours(self) -> list[Line] | None:
        """The lines of the warehouse's book; None where it is damaged."""
        try:
            return self.lines.lines()
        except PermanentError:
            return None

    def _has_unexplained_key(self) -> bool:
        """A suppression key that marks neither tombstones nor rectified devices."""
        owners = self.lines.path.with_name("owners.jsonl")
        return not owners.exists() and note(self.warehouse, self.region, "suppression") is not None


def _tombstone(line: dict) -> Tombstone:
    first, last = line.get("span") or [moment.isoformat() for moment in ALWAYS]
    span = (datetime.fromisoformat(first), datetime.fromisoformat(last))
    return Tombstone(line["mark"], datetime.fromisoformat(line["erased_at"]), line["request"], span)
