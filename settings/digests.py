"""The SHA-256 of what a file holds: said once, for landing zones, backups, books and published files."""

from __future__ import annotations

import hashlib
from typing import Protocol

_BLOCK = 1 << 20


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Updated(Protocol):
    def update(self, block: bytes, /) -> None: ...


def sha256_of(file: Readable, most: int | None = None, also: Updated | None = None) -> str:
    """The digest of an open file's content from where it stands, in hexadecimal.

    Args:
        most: how many bytes of it to read; all, where it is not given.
        also: a digest of another kind that is worked out in the same pass.

    Raises:
        OSError: it cannot be read.
    """
    digest, left = hashlib.sha256(), most
    while left != 0 and (block := file.read(_BLOCK if left is None else min(left, _BLOCK))):
        digest.update(block)
        if also:
            also.update(block)
        left = None if left is None else left - len(block)
    return digest.hexdigest()
