"""Where files land: a folder, or a prefix of an object store, each as a tree of files that can be opened and read."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import pyarrow.fs as pafs

from ingestion.listing import book_of, list_folder
from ingestion.local_files import Folder, LocalFile, Stat
from ingestion.object_store import Entry, Prefix, code_of, prefix_of
from settings import TransientError, UsageError
from settings.digests import sha256_of

T = TypeVar("T")
_READ_BYTES = 8 << 20  # of an object at a time, since each time is a request


@dataclass(frozen=True)
class ObjectFile:
    """An object, with the part of `Path` that readers use."""

    store: pafs.FileSystem = field(compare=False, repr=False)
    key: PurePosixPath  # bucket and name
    size: int
    mtime_ns: int
    listed_in: Path | None = field(default=None, compare=False, repr=False)  # the kept listing that it comes from

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def suffix(self) -> str:
        return self.key.suffix

    def stat(self) -> Stat:
        """As it was when it was listed."""
        return Stat(self.size, self.mtime_ns)

    def open(self, mode: str) -> io.BufferedReader:
        """Its bytes.

        Raises:
            TransientError: here and in reading: it went away, or the store does not answer.
        """
        assert mode == "rb"
        return io.BufferedReader(_Bytes(self), _READ_BYTES)

    def __str__(self) -> str:
        return f"s3://{self.key}"


File = Path | LocalFile | ObjectFile


class _Bytes(io.RawIOBase):
    """An object's bytes. What goes wrong is the store's fault, and must not pass for damage of what is read."""

    def __init__(self, of: ObjectFile) -> None:
        self._of = of
        try:
            self._file = of.store.open_input_file(str(of.key))
        except OSError as error:
            if of.listed_in:  # what it says may be old: the next run lists anew
                of.listed_in.unlink(missing_ok=True)
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> TransientError:
        return TransientError(f"{self._of} cannot be read: {_first_line(error)}")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            return self._file.readinto(buffer)
        except OSError as error:
            raise self._failure(error) from error

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


class Zone(Protocol):
    """A landing zone."""

    def folders(self) -> list[str]:
        """The names of the folders at its top."""

    def files(self, folder: str, without: tuple[str, ...] = ()) -> Iterator[tuple[str, File]]:
        """Every file anywhere below a folder, and its place relative to it; none where there is no such folder.

        Args:
            without: names directly in the folder that are passed over.

        Raises:
            TransientError: a folder cannot be read, so nobody knows what is in it.
        """

    def file(self, place: str) -> File | None:
        """One file, if it is there."""

    def not_files(self, folder: str = "") -> Iterator[tuple[str, bool]]:
        """What is neither file nor folder below a folder, by its place, and whether it is a link that leaves the zone.

        The others are links that lead nowhere, pipes, sockets and devices. Nothing of it is read.
        """


@dataclass(frozen=True)
class Bucket:
    """A landing zone in an S3 bucket; whose it is and where, AWS' usual environment and files say, or the address.

    As in ``s3://bucket/prefix?endpoint_override=minio:9000&scheme=http&region=eu-central-1``.
    """

    address: str
    books: Path | None = None  # the folder that keeps listings of archives from one time to the next

    @cached_property
    def _store(self) -> pafs.FileSystem:
        try:
            return pafs.FileSystem.from_uri(self.address)[0]
        except (OSError, ValueError) as error:  # the latter: of how it is written
            raise UsageError(f"landing {self.address}: {_first_line(error)}") from error

    @cached_property
    def _top(self) -> Prefix:
        _ = self._store  # which knows how an address is written
        return prefix_of(self.address)

    def _listed(self, listing: Callable[[], T], nothing: T) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return listing()
        except ClientError as error:
            if code_of(error) == "NoSuchBucket":
                return nothing
            raise TransientError(f"the landing zone {self.address} cannot be listed: {code_of(error)}") from error
        except BotoCoreError as error:
            raise TransientError(f"the landing zone {self.address} cannot be listed: {_first_line(error)}") from error

    def not_files(self, folder: str = "") -> Iterator[tuple[str, bool]]:
        return iter(())  # an object store has none

    def exists(self) -> bool:
        return any(self._at_top())

    def folders(self) -> list[str]:
        return [one.rstrip("/") for one in self._at_top()[1]]

    def _at_top(self) -> tuple[list[Entry], list[str]]:
        nothing: tuple[list[Entry], list[str]] = ([], [])
        return self._listed(lambda: self._top.children(), nothing)

    def files(self, folder: str, without: tuple[str, ...] = ()) -> Iterator[tuple[str, File]]:
        folder = folder.strip("/")
        # Archives are many, and each is there for good; a table may be replaced at any time.
        is_of_archives = self.books is not None and folder.rpartition("/")[2] == "events"
        book = book_of(self.books, self.address, folder) if self.books and is_of_archives else None
        top = self._top.below(folder)
        nothing: list[Entry] = []
        for one in self._listed(lambda: list_folder(top, book, without), nothing):
            key = PurePosixPath(top.bucket, top.prefix + one.place)
            yield one.place, ObjectFile(self._store, key, one.size, one.mtime_ns, book)

    def file(self, place: str) -> File | None:
        folder, _, name = place.rpartition("/")
        return next((file for where, file in self.files(folder) if where == name), None)


def zone(landing: str, books: Path | None = None) -> Zone:
    """The landing zone of that address.

    Args:
        books: the folder that keeps what was listed in a bucket, which then is listed whole once a day alone; without
            it, each time.

    Raises:
        UsageError: it is not there, or is neither a folder nor an S3 address.
        TransientError: the object store does not answer.
    """
    if "://" not in landing:
        root = Path(landing)
        if not root.is_dir():
            raise UsageError(f"no landing zone at {root}; give --landing DIR, or try `romi demo` for a sample")
        return Folder(root)
    parts = urlsplit(landing)
    if parts.scheme != "s3":
        raise UsageError(f"landing {landing}: a landing zone is a folder or s3://bucket/prefix")
    if "@" in parts.netloc:
        raise UsageError("landing: the keys to a bucket belong in the environment, not in its address")
    bucket = Bucket(landing, books)
    if not bucket.exists():
        raise UsageError(f"no landing zone at {landing}: nothing is there")
    return bucket


def file_sha256(path: File) -> str:
    """The content's name.

    Raises:
        TransientError: the file went away since it was discovered, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return sha256_of(file)
    except OSError as error:
        raise TransientError(f"{path} cannot be read: {error.strerror}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
