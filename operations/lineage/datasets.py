"""What a job reads and what it writes, as OpenLineage names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from operations.finance_tables.published_tables import FINANCE, PUBLISHED
from operations.store.versions import current_version, version_dir
from settings import Settings

_RAW = ("raw.events", "raw.spend", "raw.ledger_orders", "raw.fx_rates")
_RELEASED = "released.channel_monthly"


@dataclass(frozen=True)
class Dataset:
    """A table, with the types of its columns, or a region's part of the landing zone."""

    namespace: str
    name: str
    columns: tuple[tuple[str, str], ...] = ()
    rows: int | None = None
    version: int | None = None


def read_by(settings: Settings, namespace: str, job: str, regions: Iterable[str]) -> list[Dataset]:
    """What a job of the definitions reads of the regions; nothing of one that only looks after the warehouse."""
    finance = [f"finance.{table.name}" for table in FINANCE]
    tables = {
        "rebuild": [*_RAW],
        "release": ["intermediate.int_attribution__touch_credits", "finance.reconciliation_daily"],
        "publish": [*finance, _RELEASED],
    }.get(job, [])
    if job == "ingest":
        return [_landing(settings, region) for region in regions]
    return [Dataset(namespace, f"{region}.{table}") for region in regions for table in tables]


def written_by(namespace: str, job: str, regions: Iterable[str]) -> list[Dataset]:
    """What a job has written of the regions; :func:`published` has what publishing wrote."""
    tables = {
        "ingest": [*_RAW], "rebuild": [f"finance.{table.name}" for table in FINANCE], "release": [_RELEASED],
    }.get(job, [])  # fmt: skip
    return [Dataset(namespace, f"{region}.{table}") for region in regions for table in tables]


def published(settings: Settings, namespace: str) -> Iterator[Dataset]:
    """The tables of the current version, with their columns and rows; none before the first."""
    version = current_version(settings)
    if version is None:
        return
    rows = _rows(version_dir(settings, version) / "marts.duckdb")
    for table in PUBLISHED:
        yield Dataset(namespace, f"published.{table}", tuple(table.columns.items()), rows.get(str(table)), version)


def _rows(path: Path) -> dict[str, int]:
    with duckdb.connect(str(path), read_only=True) as con:
        names = con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        return {name: con.execute(f"select count(*) from {name}").fetchall()[0][0] for (name,) in names}


def _landing(settings: Settings, region: str) -> Dataset:
    """As OpenLineage names folders and prefixes of object stores."""
    place = settings.landing.partition("?")[0].rstrip("/")
    if place.startswith("s3://"):
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        return Dataset(f"s3://{bucket}", f"{prefix}/{region}".lstrip("/"))
    return Dataset("file", str(Path(place).absolute() / region))
