"""An archive's bytes, whatever compresses them, read so that damage cannot pass for an end."""

from __future__ import annotations

import io
from typing import IO, Literal, cast

import pyarrow as pa
from isal import igzip, isal_zlib

from ingestion.zone import File
from settings import PermanentError

READ_BYTES = 1 << 20
_BROKEN_GZIP: tuple[type[Exception], ...] = (EOFError, igzip.BadGzipFile, isal_zlib.error)  # type: ignore[assignment]
_NAMES: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}


class CorruptArchiveError(PermanentError):
    """The archive cannot be read whole; nothing of it may be loaded."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the archive cannot be read whole: {problem}")


class WholeFile:
    """A file's plain bytes for the length of a ``with``, which turns what a broken file raises into one error.

    Raises:
        CorruptArchiveError: in the ``with``, when the bytes that were read are not what was compressed.
    """

    def __init__(self, path: File) -> None:
        self._path, self._method = path, compression(path)

    def __enter__(self) -> IO[bytes]:
        if self._method != "uncompressed" and not self._path.stat().st_size:
            # Compressed nothing has a header at least: of an empty file the writing has not begun.
            raise CorruptArchiveError(f"{self._method}: the file is empty")
        self._raw = self._path.open("rb")
        if self._method == "uncompressed":
            self._file: IO[bytes] = self._raw
        elif self._method == "gzip":
            self._file = igzip.open(self._raw, "rb")
        else:
            plain = pa.CompressedInputStream(self._raw, "zstd")
            self._file = io.BufferedReader(cast(io.RawIOBase, plain), READ_BYTES)
        return self._file

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._file.close()
        self._raw.close()
        # What pyarrow says of a broken stream is an OSError that, unlike the disk's, has no number.
        is_broken_zstd = self._method == "zstd" and isinstance(error, OSError) and error.errno is None
        if is_broken_zstd or isinstance(error, _BROKEN_GZIP):
            raise CorruptArchiveError(f"{self._method}: {error}") from error


def compression(path: File) -> Literal["gzip", "zstd", "uncompressed"]:
    """What compresses the file, by its name."""
    return _NAMES.get(path.suffix.lower(), "uncompressed")
