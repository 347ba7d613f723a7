"""A landing zone to write by hand, and `romi run` on it in this process."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from ingestion.books import region_file
from settings import Settings

NOW = "2026-03-20T12:00:00Z"


class Shop:
    """A folder with a landing zone, a configuration and a warehouse."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.landing, self.warehouse = folder, folder / "landing", folder / "warehouse"
        self.landing.mkdir(parents=True, exist_ok=True)

    def configure(self, text: str) -> None:
        (self.folder / "romi.yaml").write_text(text)

    def archive(self, region: str, start: int, records: list, topic: str = "web", suffix: str = "json") -> Path:
        """Records (dicts, or lines as text or bytes) as one archive."""
        folder = self.landing / region / "events" / "topics" / topic / "partition=0"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{topic}+0+{start:010d}.{suffix}"
        lines = [
            one if isinstance(one, bytes) else (one if isinstance(one, str) else json.dumps(one)).encode()
            for one in records
        ]
        data = b"".join(line + b"\n" for line in lines)
        path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
        return path

    def table(self, region: str, name: str, rows: list[dict]) -> Path:
        """Rows as a CSV file; `name` such as ``ledger/orders.csv`` or ``spend/google_ads/march.csv``."""
        path = self.landing / region / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def romi(self, *arguments: str):
        """`romi` with JSON output, in this process: (exit code, the object).

        Where nothing else is said the regions are built in this process as well, one after another, as others would
        have to import all that it has. `test_side_by_side.py` holds that several processes come to the same.
        """
        from orchestration.cli.main import main

        config = ["--config", str(self.folder / "romi.yaml")] if (self.folder / "romi.yaml").exists() else []
        landing = ["--landing", str(self.landing)] if arguments[0] in ("run", "demo") else []
        alone = ["--workers", "1"] if arguments[0] in ("run", "backfill") and "--workers" not in arguments else []
        places = [*config, *landing, "--warehouse", str(self.warehouse)]
        result = CliRunner().invoke(main, [*arguments, *alone, *places, "--json"], catch_exceptions=False)
        return result.exit_code, json.loads(result.stdout)

    def query(self, sql: str) -> list[tuple]:
        """Rows from the published marts."""
        with duckdb.connect(str((self.warehouse / "published" / "marts.duckdb").resolve()), read_only=True) as con:
            return con.execute(sql).fetchall()

    def region(self, name: str):
        """A region's file, to read; in a ``with``."""
        return region_file(Settings(warehouse=self.warehouse), name, read_only=True)

    def rows(self) -> dict[str, list[tuple]]:
        """Every published finance table, sorted, but for what speaks of versions and of when they were built."""
        names = self.query("""select table_name from duckdb_tables()
            where schema_name = 'finance' and table_name not in ('restatements', 'slo_daily') order by 1""")
        return {name: sorted(self.query(f"from finance.{name}"), key=repr) for (name,) in names}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", NOW)
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    monkeypatch.chdir(tmp_path)  # a romi.yaml of the demo is none of ours
    return Shop(tmp_path)


def page(message_id: str, at: str, anonymous_id: str = "a-1", **record) -> dict:
    """A page view of a person who consents."""
    context = {
        "consent": {"categoryPreferences": {"Analytics": True, "Advertising": True}},
        **record.pop("context", {}),
    }
    return {
        "messageId": message_id,
        "type": "page",
        "anonymousId": anonymous_id,
        "timestamp": at,
        "context": context,
        **record,
    }


def order(message_id: str, at: str, order_id: str, revenue, anonymous_id: str = "a-1", **properties) -> dict:
    """An Order Completed of a person who consents."""
    record = page(message_id, at, anonymous_id)
    return record | {
        "type": "track", "event": "Order Completed",
        "properties": {"order_id": order_id, "revenue": revenue, "currency": "EUR", **properties},
    }  # fmt: skip


def campaign(source: str, medium: str, name: str) -> dict:
    return {"campaign": {"source": source, "medium": medium, "name": name}}
