"""A book of lines outside a region's file: replaced whole under a lock, merged by a restore and never overwritten.

A process killed at any moment leaves the lines of before or those of after. A line never changes, so the union of two
lives of a book is all that either knew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from settings import PermanentError
from settings.durable import write_durably

Line = dict[str, Any]


class LineBook:
    """A file of JSON lines that belongs to a region; made with its first line."""

    def __init__(self, path: Path, region: str) -> None:
        self.path, self.region = path, region

    def lines(self) -> list[Line]:
        """Every line, in the order they were written.

        Raises:
            PermanentError: the book cannot be read whole, and what it forgets might come back.
        """
        return self._read(self.path) if self.path.exists() else []

    def append(self, *lines: Line) -> int:
        """Write the lines that are not there yet; they are on disk when this returns.

        Returns:
            How many were new.
        """
        with self._locked():
            known = {line_text(line) for line in self.lines()}
            texts = dict.fromkeys(line_text({"region": self.region} | line) for line in lines)
            new = [text for text in texts if text not in known]
            if new:
                self._write(new)
        return len(new)

    def merge(self, other: Path) -> int:
        """Take over the lines of another life of this book, such as a backup's.

        Returns:
            How many were new.

        Raises:
            PermanentError: it cannot be read, or is another region's.
        """
        return self.append(*self._read(other))

    def _write(self, new: list[str]) -> None:
        old = self.path.read_bytes() if self.path.exists() else b""
        write_durably(self.path, old + "".join(f"{text}\n" for text in new).encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock"), mode=0o600):
            yield

    def _read(self, path: Path) -> list[Line]:
        try:
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            is_ours = all(line["region"] == self.region for line in lines)
            self._check(lines)
        except (ValueError, KeyError, TypeError, OSError):
            raise PermanentError(f"the book {path} cannot be read: restore it first") from None
        if not is_ours:
            raise PermanentError(f"{path} is the book of another region than {self.region}")
        return lines

    def _check(self, lines: list[Line]) -> None:
        """What else a kind of book asks of its lines; a ValueError refuses it."""


def line_text(line: Line) -> str:
    return json.dumps(line, sort_keys=True)
