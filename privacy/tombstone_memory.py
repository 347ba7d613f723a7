"""What must be known of a region's tombstones, kept beside the keys: no loss of the warehouse takes it along.

Two things stand there. A second copy of the suppression book (``<keys file>.tombstones/<region>.jsonl``), which names
nobody as the book does, so that a lost or restored book gets back what it lacks. And, in the keys file itself, how many
tombstones there are and their digest, so that the loss of both shows. Where the region's suppression key comes from the
environment the keys file need not exist; then the copy alone is the memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from privacy.keys import is_in_environment, key_file, note, put_note
from privacy.line_book import Line, LineBook, line_text
from settings import PermanentError, UsageError

_NOTE = "tombstones"


@dataclass(frozen=True)
class Remembered:
    """How many tombstones there must be, and the digest of their lines (64 hexadecimal digits)."""

    count: int
    digest: str

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Remembered:
        texts = sorted({line_text(line) for line in lines})
        return cls(len(texts), hashlib.sha256("\n".join(texts).encode()).hexdigest())

    def agrees(self, found: Remembered) -> bool:
        """Whether nothing is missing. More than is remembered may be found: a kill came before it was noted."""
        return found == self or found.count > self.count


def copy_of(warehouse: Path, region: str) -> LineBook:
    """The second copy of the region's suppression book."""
    keys = key_file(warehouse)
    return LineBook(keys.with_name(f"{keys.name}.tombstones") / f"{region}.jsonl", region)


def remembered(warehouse: Path, region: str) -> Remembered | None:
    """What the keys file says there must be; None where it has never been noted.

    Raises:
        UsageError: the keys file cannot be read, or the note in it.
    """
    text = note(warehouse, region, _NOTE)
    if text is None:
        return None
    count, _, digest = text.partition(":")
    if not count.isdigit() or len(digest) != 64:
        raise UsageError(f"{key_file(warehouse)}: what it says of the tombstones of region {region} cannot be read")
    return Remembered(int(count), digest)


def remember(warehouse: Path, region: str, lines: Iterable[Line]) -> None:
    """Note in the keys file that these are the region's tombstones.

    Raises:
        UsageError: the keys file cannot be written.
    """
    if is_in_environment(region, "suppression"):
        return
    found = Remembered.of(lines)
    if remembered(warehouse, region) != found:
        put_note(warehouse, region, _NOTE, f"{found.count}:{found.digest}")


def keep_copy(warehouse: Path, region: str, lines: Iterable[Line]) -> int:
    """Write to the second copy what it lacks; returns how many lines that were.

    Raises:
        UsageError: it cannot be written there.
    """
    copy = copy_of(warehouse, region)
    try:
        return copy.append(*lines)
    except OSError as error:
        raise UsageError(
            f"tombstones are kept beside the keys as well, and {copy.path} cannot be written: {error.strerror};"
            " set ROMI_KEY_FILE to a place that can"
        ) from error


def read_copy(warehouse: Path, region: str) -> list[Line] | None:
    """The lines of the second copy; None where it is damaged."""
    try:
        return copy_of(warehouse, region).lines()
    except PermanentError:
        return None
