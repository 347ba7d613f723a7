"""What runs cost besides their events: a long backfill against a short one, and three regions against one.

Both sides have the same number of events, 50,000 for each region. Seconds of the clock, and of CPU beside them, since
other work on the machine does not change those much.
"""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path

from benchmarks import process
from benchmarks.ingest import UNTIL
from operations import sample_shop

EVENTS = 50_000
Seconds = tuple[float, float]


def run(folder: Path) -> None:
    """Print the two ratios."""
    short, long = (_backfill(folder / f"{days}", days) for days in (30, 365))
    _print("backfill of 365 days against 30", long, short, 1.3)
    one, three = (_regions(folder / "-".join(names), names) for names in (("eu",), ("eu", "us", "jp")))
    _print("romi run of three regions against one", three, one, 2.2)


def add_event(landing: Path) -> None:
    """Land an archive of a single page view of the shop's last day, with a message id of its own."""
    archives = sorted((landing / "eu" / "events").rglob("*.json.gz"))
    with gzip.open(archives[-1], "rt") as lines:
        page = next(one for one in map(json.loads, lines) if one["type"] == "page")
    topic, partition, _ = archives[-1].name.split("+")
    with gzip.open(archives[-1].with_name(f"{topic}+{partition}+9999999999.json.gz"), "wt") as archive:
        archive.write(json.dumps({**page, "messageId": "one-event"}) + "\n")


def _backfill(folder: Path, days: int) -> Seconds:
    _shop(folder, days, ("eu",))
    process.romi(folder, "run")
    first = UNTIL - timedelta(days=days - 1)
    return process.romi(folder, "backfill", "--from", f"{first}", "--to", f"{UNTIL}")


def _regions(folder: Path, names: tuple[str, ...]) -> Seconds:
    _shop(folder, 30, names)
    return process.romi(folder, "run")


def _shop(folder: Path, days: int, names: tuple[str, ...]) -> None:
    sample_shop.write_landing(
        folder / "landing", until=UNTIL, days=days, events=EVENTS * len(names), regions=names, dirt=0
    )
    (folder / "romi.yaml").write_text(sample_shop.config_yaml())


def _print(what: str, ours: Seconds, theirs: Seconds, aim: float) -> None:
    clock, cpu = (mine / other for mine, other in zip(ours, theirs, strict=True))
    print(f"{what}: {ours[0]:.1f} s and {theirs[0]:.1f} s = {clock:.2f} x (CPU: {ours[1]:.1f} s and"
          f" {theirs[1]:.1f} s = {cpu:.2f} x; aim: at most {aim})", flush=True)  # fmt: skip
