"""A bucket in memory that lists as S3 does, and counts what it is asked."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ingestion.object_store import Prefix

_PAGE = 1_000


class Bucket:
    """The client of boto3 as far as listing goes."""

    def __init__(self) -> None:
        self.keys: list[str] = []  # sorted
        self.objects: dict[str, tuple[int, datetime]] = {}  # bytes, last modified
        self.requests = 0

    def put(self, at: datetime, *keys: str, size: int = 1) -> None:
        self.objects |= dict.fromkeys(keys, (size, at))
        self.keys = sorted(self.objects)

    def delete(self, key: str) -> None:
        del self.objects[key]
        self.keys = sorted(self.objects)

    @property
    def prefix(self) -> Prefix:
        return Prefix(self, "shop", "")

    def get_paginator(self, of: str) -> Bucket:
        assert of == "list_objects_v2"
        return self

    def paginate(
        self, Bucket: str, Prefix: str, StartAfter: str = "", Delimiter: str = ""  # noqa: N803
    ) -> Iterator[dict[str, Any]]:  # fmt: skip
        at = max(bisect_left(self.keys, Prefix), bisect_right(self.keys, StartAfter))
        while True:
            self.requests += 1
            contents, folders = [], []
            while len(contents) + len(folders) < _PAGE and at < len(self.keys) and self.keys[at].startswith(Prefix):
                key = self.keys[at]
                rest = key[len(Prefix) :]
                if Delimiter and Delimiter in rest:
                    folders.append(Prefix + rest[: rest.index(Delimiter) + 1])
                    at = bisect_right(self.keys, f"{folders[-1]}\U0010ffff")
                else:
                    size, modified = self.objects[key]
                    contents.append({"Key": key, "Size": size, "LastModified": modified})
                    at += 1
            yield {"Contents": contents, "CommonPrefixes": [{"Prefix": one} for one in folders]}
            if at >= len(self.keys) or not self.keys[at].startswith(Prefix):
                return
