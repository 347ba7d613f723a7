"""What masking takes of a load's time: the boundary alone, over the same records as the whole load, in one process.

Parsed batches are kept in memory, of the size in which a load masks them; then `mask` (pseudonyms, redaction, consent,
bots) runs on them, and a load of the same archives is timed whole. Both by processor time, three times each, the
medians compared.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from pathlib import Path

import polars as pl

from benchmarks.ingest import UNTIL
from ingestion import archives, load
from ingestion.boundary import mask, refusals
from ingestion.landing import discover
from ingestion.stage import BATCH_ROWS
from operations import sample_shop
from settings import Settings

RUNS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=300_000, help="records (default 300,000)")


def main(arguments: argparse.Namespace, folder: Path) -> None:
    landing = folder / "landing"
    sample_shop.write_landing(landing, until=UNTIL, days=30, events=arguments.events, regions=("eu",), dirt=0)
    settings = Settings.model_validate({
        "landing": str(landing), "warehouse": folder / "warehouse", "regions": {"eu": {}},
        "retention": {"raw_days": 20_000},
    })  # fmt: skip
    policy = load.region_policy(settings, "eu")
    paths = [one.path for one in discover(settings, "eu") if one.kind == "events"]
    with archives.Reader(policy.now) as reader:
        read = pl.concat([batch.rows for _, batch in reader.read(paths) if isinstance(batch, archives.Batch)])
    batches = list(read.with_columns(number=pl.lit(0, pl.Int64)).iter_slices(BATCH_ROWS))
    masking = statistics.median(_masked(batches, policy) for _ in range(RUNS))
    whole = statistics.median(_loaded(settings, number) for number in range(RUNS))
    records = sum(map(len, batches))
    print(f"masking {records:,} records: {masking:.2f} s of processor", flush=True)
    print(f"loading them: {whole:.2f} s; masking takes {masking / whole:.0%} of it", flush=True)


def _masked(batches: list, policy) -> float:
    begun = time.process_time()
    for batch in batches:
        mask(batch, policy)
        refusals(batch, policy)
    return time.process_time() - begun


def _loaded(settings: Settings, number: int) -> float:
    fresh = settings.model_copy(update={"warehouse": settings.warehouse.with_name(f"warehouse-{number}")})
    begun = time.process_time()
    load.load_region(fresh, "eu")
    taken = time.process_time() - begun
    shutil.rmtree(fresh.warehouse)
    return taken
