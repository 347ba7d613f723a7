"""A folder of this machine where files land, whose links are not followed out of it."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from settings import TransientError, UsageError


@dataclass(frozen=True)
class LocalFile:
    """A file below a folder of this machine, with the part of `Path` that readers use.

    Where it is was found out once, links and all; whatever is put in its way later is not followed.
    """

    root: Path
    place: PurePath  # below the root, free of links

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def suffix(self) -> str:
        return self.place.suffix

    def stat(self) -> os.stat_result:
        return os.stat(self.root / self.place, follow_symlinks=False)

    def open(self, mode: str) -> io.BufferedReader:
        """Its bytes.

        Raises:
            OSError: it went away, or something that is no file, or leads elsewhere, has taken its place.
        """
        assert mode == "rb"
        here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in self.place.parts[:-1]:
                above, here = here, os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                os.close(above)
            opened = os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
        finally:
            os.close(here)
        file = os.fdopen(opened, "rb")
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            file.close()
            raise OSError(errno.ENOENT, "it is no file any more")
        return file

    def __str__(self) -> str:
        return str(self.root / self.place)


@dataclass(frozen=True)
class Folder:
    """A landing zone of this machine's files."""

    root: Path

    def folders(self) -> list[str]:
        try:
            return [path.name for path in self.root.iterdir() if path.is_dir() and self._within(path)]
        except OSError as error:
            raise UsageError(f"the landing zone {self.root} cannot be read: {error.strerror}") from error

    def files(self, folder: str) -> Iterator[tuple[PurePath, LocalFile]]:
        for place, path in self._below(folder):
            if path and path.is_file():
                yield place, self._found(path)

    def file(self, place: str) -> LocalFile | None:
        path = self._within(self.root / place)
        return self._found(path) if path and path.is_file() else None

    def links_outside(self, folder: str = "") -> list[PurePath]:
        if folder:
            return [place for place, path in self._below(folder) if path is None]
        return [PurePath(path.name) for path in self.root.iterdir() if not self._within(path)]

    @cached_property
    def _top(self) -> Path:
        return Path(os.path.realpath(self.root))

    def _within(self, path: Path) -> Path | None:
        """Where the path leads, links and all; None if that is outside of the landing zone."""
        real = Path(os.path.realpath(path))
        return real if real.is_relative_to(self._top) else None

    def _found(self, real: Path) -> LocalFile:
        return LocalFile(self._top, real.relative_to(self._top))

    def _below(self, folder: str) -> Iterator[tuple[PurePath, Path | None]]:
        """What is no folder, by its place, with where it is; None for a link that leads outside, be it `folder` itself.

        A link to a folder within the landing zone is gone down, but not in a circle.
        """
        top = self._within(self.root / folder)
        waiting = [(PurePath(), top, frozenset({top}))]
        while waiting:
            place, here, above = waiting.pop()
            if here is None:
                yield place, None
            elif here.is_dir():
                for entry in _entries(here):
                    real = self._within(here / entry.name) if entry.is_symlink() else here / entry.name
                    if real not in above:
                        waiting.append((place / entry.name, real, above | {real}))
            elif place.parts:
                yield place, here


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder; none where it went away while others were listed."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TransientError(f"the folder {folder} cannot be read: {error.strerror}") from error
