"""Which landed files the books hold: as the region's file says, or its copy that is read while a writer holds that.

The copy is ``<warehouse>/status/<region>.seen``, a Parquet file that each commit replaces whole. It is made from the
books and can be made anew from them at any time.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from ingestion.landing import Landed
from ingestion.zone import file_sha256
from settings import Settings, TransientError
from settings.durable import write_durably

_LAST = """
    select name, size_bytes, mtime_ns, sha256, state, records from ops.archives
    qualify row_number() over (partition by name order by archive_id desc) = 1"""


@dataclass(frozen=True)
class Seen:
    """Of each name the last delivery that the books hold."""

    stamps: dict[str, tuple[int, int]]  # bytes, mtime in ns
    contents: dict[str, str]  # SHA-256
    loaded: dict[str, int]  # records, of those that were loaded
    corrupt: frozenset[str] = frozenset()

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Seen:
        """Of a frame with the columns of the query above."""
        names = frame["name"].to_list()
        is_loaded = frame.filter(pl.col("state") == "loaded")
        return cls(
            dict(zip(names, zip(frame["size_bytes"].to_list(), frame["mtime_ns"].to_list(), strict=True), strict=True)),
            dict(zip(names, frame["sha256"].to_list(), strict=True)),
            dict(zip(is_loaded["name"].to_list(), is_loaded["records"].to_list(), strict=True)),
            frozenset(frame.filter(pl.col("state") == "corrupt")["name"]),
        )

    def unseen(self, landed: list[Landed]) -> list[Landed]:
        """What the books do not hold as it stands: unknown names, and known ones whose content is not their last.

        What was loaded and then went from the primary is not asked for in the replica: landing zones get pruned.

        Raises:
            TransientError: a file whose stamp has changed cannot be read.
        """
        stamps = self.stamps
        changed = [one for one in landed if stamps.get(one.name) != (one.size, one.mtime_ns)]
        return [one for one in changed if one.name not in stamps or not self._holds(one)]

    def vanished(self, landed: list[Landed]) -> list[str]:
        """The loaded files that are no longer in the landing zone; what they held stays."""
        return sorted(self.loaded.keys() - {one.name for one in landed})

    def _holds(self, landed: Landed) -> bool:
        if not landed.is_primary and landed.name not in self.corrupt:
            return True
        try:
            return file_sha256(landed.path) == self.contents[landed.name]
        except TransientError:
            if landed.replica is None:
                raise
            return False  # the replica serves


def seen(con: duckdb.DuckDBPyConnection) -> Seen:
    """What the region's books hold."""
    return Seen.of(con.execute(_LAST).pl())


def write_seen(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> Seen:
    """Replace the copy of what the region's books hold; returns that."""
    frame, written = con.execute(_LAST).pl(), io.BytesIO()
    frame.write_parquet(written, compression="lz4", statistics=False)
    _path(settings, region).parent.mkdir(mode=0o700, exist_ok=True)
    write_durably(_path(settings, region), written.getvalue())
    return Seen.of(frame)


def read_seen(settings: Settings, region: str) -> Seen | None:
    """The copy, at once, whoever holds the region's file; None where there is none that can be read."""
    try:
        return Seen.of(pl.read_parquet(_path(settings, region)))
    except (OSError, pl.exceptions.PolarsError):
        return None


def _path(settings: Settings, region: str) -> Path:
    return settings.warehouse / "status" / f"{region}.seen"
