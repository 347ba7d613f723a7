"""A folder of this machine where files land, whose links are not followed out of it."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath
from typing import NamedTuple

from settings import TransientError, UsageError


class Stat(NamedTuple):
    """What is used of a file's `os.stat_result`."""

    st_size: int
    st_mtime_ns: int


@dataclass(slots=True, unsafe_hash=True)  # frozen, making one takes twice as long
class LocalFile:
    """A file below a folder of this machine, with the part of `Path` that readers use.

    Where it is was found out once, links and all; whatever is put in its way later is not followed.
    """

    root: Path
    place: str  # below the root, free of links
    size: int = field(compare=False)
    mtime_ns: int = field(compare=False)

    @property
    def name(self) -> str:
        return self.place.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        return PurePath(self.name).suffix

    def stat(self) -> Stat:
        """As it was when it was listed: asking again for each of 100,000 files takes longer than to list them."""
        return Stat(self.size, self.mtime_ns)

    def open(self, mode: str) -> io.BufferedReader:
        """Its bytes.

        Raises:
            OSError: it went away, or something that is no file, or leads elsewhere, has taken its place.
        """
        assert mode == "rb"
        here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in self.place.split("/")[:-1]:
                above, here = here, os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                os.close(above)
            opened = os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
        finally:
            os.close(here)
        file = os.fdopen(opened, "rb")
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            file.close()
            raise OSError(errno.ENOENT, "it is not a file any more")
        return file

    def __str__(self) -> str:
        return f"{self.root}/{self.place}"


@dataclass(frozen=True)
class Folder:
    """A landing zone of this machine's files."""

    root: Path

    def folders(self) -> list[str]:
        try:
            return [path.name for path in self.root.iterdir() if path.is_dir() and self._within(path)]
        except OSError as error:
            raise UsageError(f"the landing zone {self.root} cannot be read: {error.strerror}") from error

    def files(self, folder: str, without: tuple[str, ...] = ()) -> Iterator[tuple[str, LocalFile]]:
        root, depth = self._real, self._depth
        for place, path, listed in self._below(folder, without):
            if listed and stat.S_ISREG(listed.st_mode):
                yield place, LocalFile(root, path[depth:], listed.st_size, listed.st_mtime_ns)

    def file(self, place: str) -> LocalFile | None:
        path = self._within(f"{self.root}/{place}")
        return self._found(path, os.stat(path)) if path and os.path.isfile(path) else None

    def not_files(self, folder: str = "") -> Iterator[tuple[str, bool]]:
        if not folder:
            yield from ((path.name, True) for path in self.root.iterdir() if not self._within(path))
            return
        for place, path, listed in self._below(folder):
            is_gone = not listed and not os.path.islink(f"{self.root}/{folder}/{place}")  # it went away meanwhile
            if not path or not (is_gone or (listed and stat.S_ISREG(listed.st_mode))):
                yield place, not path

    @cached_property
    def _top(self) -> str:
        return os.path.realpath(self.root)

    @cached_property
    def _real(self) -> Path:
        return Path(self._top)

    @cached_property
    def _depth(self) -> int:
        return len(self._top.rstrip("/")) + 1

    def _within(self, path: Path | str) -> str:
        """Where the path leads, links and all; empty if that is outside of the landing zone."""
        real = os.path.realpath(path)
        return real if f"{real}/".startswith(f"{self._top.rstrip('/')}/") else ""

    def _found(self, real: str, listed: os.stat_result) -> LocalFile:
        return LocalFile(self._real, real[self._depth :], listed.st_size, listed.st_mtime_ns)

    def _below(self, folder: str, without: tuple[str, ...] = ()) -> Iterator[tuple[str, str, os.stat_result | None]]:
        """What is no folder, by its place below the folder, with where it is and its stat, if it is there.

        A link that leads outside, be it `folder` itself, is nowhere: "". A link to a folder within the landing zone is
        gone down, but not in a circle.

        Args:
            without: names directly in the folder that are passed over.
        """
        top = self._within(f"{self.root}/{folder}")
        if not top:
            yield "", "", None
        waiting = [("", top, frozenset({top}))] if os.path.isdir(top) else []
        while waiting:
            before, here, above = waiting.pop()
            for entry in _entries(here):
                if not before and entry.name in without:
                    continue
                place, real, is_folder = f"{before}{entry.name}", entry.path, entry.is_dir(follow_symlinks=False)
                if entry.is_symlink():
                    real = self._within(entry.path)
                    is_folder = os.path.isdir(real)
                if not is_folder:
                    yield place, real, _stat(entry) if real else None
                elif real not in above:
                    waiting.append((f"{place}/", real, above | {real}))


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Of what it leads to; None where it went away meanwhile, or leads nowhere."""
    try:
        return entry.stat()
    except OSError:
        return None


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What lies in a folder; none where it went away while others were listed."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TransientError(f"the folder {folder} cannot be read: {error.strerror}") from error
