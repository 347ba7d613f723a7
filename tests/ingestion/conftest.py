"""A landing zone and a warehouse in a fresh folder for each test, at a clock that stands still."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from ingestion.books import records_by_fate, region_file
from ingestion.load import Loaded, load_region
from settings import Settings
from tests.ingestion.strategies import NOW

BOOKS = {
    "archives": "select * exclude (mtime_ns) from ops.archives",
    "fates": "from ops.fates",
    "dead": "select * exclude (payload) from ops.dead_letters",
    "changes": "from ops.changes",
}
# A program that holds the file it is given, as DuckDB does, until it is told to go on.
HOLD = """import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
input()"""
RAW = ("events", "spend", "ledger_orders", "fx_rates")


class Zone:
    """One region's landing zone, its load, and what is in the warehouse after it."""

    def __init__(self, folder: Path, region: str = "eu", **settings: Any) -> None:
        self.folder, self.region = folder, region
        self.landing, self.warehouse = folder / "landing", folder / "warehouse"
        (self.landing / region).mkdir(parents=True, exist_ok=True)
        self.settings = Settings(landing=str(self.landing), warehouse=self.warehouse, **settings)

    def put(self, name: str, content: bytes | str) -> Path:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def archive(
        self, *records: Any, start: int = 0, topic: str = "web", partition: int = 0, suffix: str = "json"
    ) -> Path:
        """Records are objects, or lines as text or bytes."""
        lines = [
            one if isinstance(one, bytes) else (one if isinstance(one, str) else json.dumps(one)).encode()
            for one in records
        ]
        content = b"".join(line + b"\n" for line in lines)
        name = f"{self.region}/events/topics/{topic}/partition={partition}/{topic}+{partition}+{start:010d}.{suffix}"
        if suffix.endswith("zst"):
            content = pa.compress(content, "zstd", asbytes=True)
        return self.put(name, gzip.compress(content, mtime=0) if suffix.endswith("gz") else content)

    def parquet(self, table: pa.Table, name: str = "events/topics/web/partition=0/web+0+0000000000.parquet") -> Path:
        written = io.BytesIO()
        pq.write_table(table, written)
        return self.put(f"{self.region}/{name}", written.getvalue())

    def load(self) -> Loaded:
        return load_region(self.settings, self.region)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with region_file(self.settings, self.region, read_only=True) as con:
            return con.execute(sql).fetchall()

    def fates(self) -> dict[str, Any]:
        """Books of the region without what is 0; dead letters by reason."""
        with region_file(self.settings, self.region, read_only=True) as con:
            books = records_by_fate(con)
        return {fate: count for fate, count in books.items() if count}

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the raw tables and the books, in a fixed order."""
        queries = {table: f"from raw.{table}" for table in RAW} | BOOKS
        return {name: sorted(self.query(sql), key=repr) for name, sql in queries.items()}

    def facts(self) -> dict[str, list[tuple[Any, ...]]]:
        """The same without what names a delivery: its id, and the place in it."""
        named = "join (select archive_id, name from ops.archives) using (archive_id)"
        return {
            "events": sorted(self.query("select * exclude (archive_id, record_offset) from raw.events"), key=repr),
            "placed": sorted(self.query(f"select name, record_offset, message_id from raw.events {named}")),
            **{table: sorted(self.query(f"from raw.{table}"), key=repr) for table in RAW[1:]},
            "archives": sorted(self.query("select name, sha256, state, records from ops.archives")),
            "fates": sorted(self.query(
                f"select name, fate, reason, fates.records, conflicting from ops.fates {named}")),
            "dead": sorted(self.query(f"select name, record_offset, reason from ops.dead_letters {named}")),
        }  # fmt: skip


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setenv("ROMI_NOW", NOW.isoformat() + "Z")
    monkeypatch.setenv("ROMI_KEY_EU_PSEUDONYM", "11" * 32)
    monkeypatch.setenv("ROMI_KEY_EU_SEAL", "22" * 32)
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)


@pytest.fixture
def zone(tmp_path):
    return Zone(tmp_path)
