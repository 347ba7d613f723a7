"""One new day in a warehouse of 365 days, against the same in one of 30 days: history should cost next to nothing.

The sample shop at 100 records a day. Both warehouses are built without the shop's last day; then its archives, cost and
ledger rows land. Measured are `romi run` as a whole process, and in a process that is warm the models and the
publication alone; CPU seconds beside those of the clock, since other work on the machine does not change them much.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

from benchmarks import process
from operations import sample_shop

LAST, RECORDS_A_DAY = date(2026, 3, 19), 100
_INGEST = """
from pathlib import Path
from ingestion.books import region_file; from ingestion.load import load_region; from operations.rebuilding import plan
from settings import Settings
settings = Settings(landing=argv[0], warehouse=Path(argv[1]), regions={"eu": {"timezone": "Europe/Berlin"}})
load_region(settings, "eu", lambda at: None)
with region_file(settings, "eu") as con:
    plan.plan(con, settings, "eu")
    print(*plan.windows(con))
"""
_PARTS = """
from pathlib import Path
import json, time; from ingestion.books import region_file
from operations.rebuilding import plan, rebuild; from operations.rebuilding.engine import engine_of, project
from operations.publishing.publish import publish; from settings import Settings
settings = Settings(landing=argv[0], warehouse=Path(argv[1]), regions={"eu": {"timezone": "Europe/Berlin"}})
project.parsed()
found = {}
def lap(name):
    global begun
    if name:
        found[name] = [time.perf_counter() - begun[0], time.process_time() - begun[1]]
    begun = time.perf_counter(), time.process_time()
with region_file(settings, "eu", read_only=True) as con:
    windows = plan.windows(con)
lap("")
for first, last in windows:
    first, last = rebuild.begin(settings, "eu", first, last)
    built = engine_of(settings).build(settings, "eu", first, last)
    lap("models")
    rebuild.mark_built(settings, "eu", first, last, built)
    rebuild.settle(settings, "eu", first, last)
    lap("settle")
publish(settings)
lap("publish")
print(json.dumps(found))
"""


def run(folder: Path) -> None:
    """Build a warehouse of each length, add a day to each, and print the ratios."""
    found = {days: _of(folder / str(days), days) for days in (30, 365)}
    for name, of_short in found[30].items():
        of_long = found[365][name]
        ratios = [long / short for long, short in zip(of_long, of_short, strict=True)]
        print(
            f"one day more, {name}: {of_short[0]:.2f} s with 30 days, {of_long[0]:.2f} s with 365 = {ratios[0]:.2f} x"
            f" (CPU: {of_short[1]:.2f} and {of_long[1]:.2f} s = {ratios[1]:.2f} x; aim: at most 1.2)",
            flush=True,
        )


def _of(folder: Path, days: int) -> dict[str, tuple[float, float]]:
    landing, warehouse = folder / "landing", folder / "warehouse"
    sample_shop.write_landing(landing, until=LAST, days=days, events=RECORDS_A_DAY * days, regions=("eu",), dirt=0)
    (folder / "romi.yaml").write_text("regions: {eu: {timezone: Europe/Berlin}}\n")
    held = _hold_back(landing)
    built = process.romi(folder, "run")
    print(f"{days} days built in {built[0]:.0f} s", flush=True)
    for path, content in held.items():
        path.write_bytes(content)
    other = folder / "other"
    shutil.copytree(warehouse, other, symlinks=True)
    shutil.copy2(folder / "warehouse.keys", folder / "other.keys")
    found = {"romi run": process.romi(folder, "run")}
    ingested = process.run(_INGEST, str(landing), str(other))
    parts = process.run(_PARTS, str(landing), str(other))
    assert ingested
    assert parts
    print(f"  windows: {ingested.said.strip()}", flush=True)
    laps = json.loads(parts.said.splitlines()[-1])
    found |= {name: tuple(seconds) for name, seconds in laps.items()}
    whole = [sum(one) for one in zip(*laps.values(), strict=True)]
    return found | {"models, settling and publication": (whole[0], whole[1])}


def _hold_back(landing: Path) -> dict[Path, bytes]:
    """Take the last day out of the landing zone; what stood in its files, by path."""
    held = {}
    for path in sorted((landing / "eu").rglob("*")):
        if path.is_dir():
            continue
        if path.suffix == ".csv":
            lines = path.read_text().splitlines(keepends=True)
            kept = [line for line in lines if LAST.isoformat() not in line]
            if len(kept) < len(lines):
                held[path] = path.read_bytes()
                path.write_text("".join(kept))
        elif f"year={LAST.year}/month={LAST.month:02}/day={LAST.day:02}" in path.as_posix():
            held[path] = path.read_bytes()
            path.unlink()
    return held
