"""The fast doctor and the memory as a share of `romi run` with nothing new, by processor time.

The run is a whole process. Beside it, all that it does for the memory is done again and measured alone: the fast
doctor, and what is looked up at the start, around each load, and before publishing.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.process import NOW
from ingestion.books import region_file
from operations import doctor, sample_shop
from operations.store.memory.findings import of_open_region
from operations.store.memory.keeping import refuse_lost_state, remember_published, settle_load
from operations.store.memory.published import at_start, refuse_lost_version
from settings import Settings, load_settings

_TIMES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=200_000, help="records of the shop (default 200,000)")
    parser.add_argument("--folder", type=Path, help="keep the shop here; without it, a temporary folder")


def main(arguments: argparse.Namespace, folder: Path) -> None:
    from benchmarks.ingest import UNTIL

    landing = folder / "landing"
    if not landing.exists():
        sample_shop.write_landing(landing, until=UNTIL, days=60, events=arguments.events, dirt=0)
        (folder / "romi.yaml").write_text(sample_shop.config_yaml())
    _romi(folder)
    whole = min(_romi(folder) for _ in range(2))
    os.environ["ROMI_NOW"] = NOW
    settings = load_settings(folder / "romi.yaml", warehouse=folder / "warehouse", landing=str(landing))
    alone = min(_memory(settings) for _ in range(_TIMES))
    print(f"romi run, nothing new: {whole:.2f} s of a processor", flush=True)
    print(f"the fast doctor and the memory: {alone:.3f} s = {alone / whole:.1%} (aim: at most 3%)", flush=True)


def _memory(settings: Settings) -> float:
    begun, regions = time.process_time(), settings.known_regions()
    doctor.said_at_start(settings)
    at_start(settings, regions)
    for region in regions:
        refuse_lost_state(settings, region, loads=True)
        with region_file(settings, region) as con:
            settle_load(con, settings, region)
            of_open_region(con, settings, region)
    refuse_lost_version(settings)
    remember_published(settings)
    return time.process_time() - begun


def _romi(folder: Path) -> float:
    """Seconds of a processor."""
    command = [sys.executable, "-m", "orchestration.cli.main", "run", "--json", "--config", str(folder / "romi.yaml")]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*command, "--landing", str(folder / "landing"), "--warehouse", str(folder / "warehouse")],
        check=True, stdout=subprocess.DEVNULL, env={**os.environ, "ROMI_NOW": NOW},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
