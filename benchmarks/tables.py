"""What reading cost through a preset takes: 1,000,000 rows of Google Ads' API as CSV, beside Polars' bare read of them.

Bare is `polars.read_csv` of the file; through the preset is everything up to rows as the raw table has them. Each is
measured in turn, so that what else the machine does falls on both, in seconds of a processor; the medians are compared.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from datetime import datetime
from pathlib import Path

import polars as pl

from ingestion.sources.spend import read_spend
from ingestion.sources.tabular.read import Context
from ingestion.sources.tabular.table import read_table
from privacy.keys import Key
from settings import Source

ROWS, RUNS = 1_000_000, 5
_HEAD = (
    "segments.date,segments.hour,customer.currency_code,campaign.id,campaign.name,metrics.impressions,metrics.clicks,"
    "metrics.cost_micros\n"
)


def run(folder: Path) -> None:
    """Measure, and print the medians in seconds of a processor and their ratio."""
    path = folder / "spend.csv"
    _write(path)
    context = Context(Key("eu", "pseudonym", bytes(32)), "UTC", 3650, datetime(2026, 12, 31))
    taken: dict[str, list[float]] = {"bare": [], "preset": []}
    for _ in range(RUNS):
        begun = time.process_time()
        bare = pl.read_csv(path)
        taken["bare"].append(time.process_time() - begun)
        begun = time.process_time()
        read = read_spend(read_table(path, "spend", "spend/google_ads", Source()), context)
        taken["preset"].append(time.process_time() - begun)
        assert len(bare) == read.records == len(read.rows)
        assert int(bare["metrics.cost_micros"].sum()) * 10**6 == _exact(read.rows)
    medians = {name: round(statistics.median(seconds), 3) for name, seconds in taken.items()}
    ratios = [through / bare for bare, through in zip(taken["bare"], taken["preset"], strict=True)]
    print(json.dumps({"rows": ROWS, **medians, "ratio": round(statistics.median(ratios), 2)}))


def _exact(rows: pl.DataFrame) -> int:
    """What all rows cost, in units of 10^-12."""
    return int(rows["spend_minor"].sum()) * 10**10 + int(rows["spend_rest"].sum())


def _write(path: Path) -> None:
    rng = random.Random(1)
    with path.open("w") as file:
        file.write(_HEAD)
        for number in range(ROWS):
            file.write(
                f"2026-{1 + number % 12:02d}-{1 + number % 28:02d},{number % 24},EUR,{21_000_000_000 + number % 500},"
                f"Campaign {number % 500},{rng.randrange(9999)},{rng.randrange(99)},{rng.randrange(10**8)}\n"
            )
