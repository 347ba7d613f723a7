"""Our Markov model over 1,000,000 sessions and 100,000 orders against ChannelAttribution's C++ core on the same paths.

ChannelAttribution is no dependency: `pip install ChannelAttribution pandas matplotlib` into an environment of its own.
Without it only our own figures are printed.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "dbt_project/models/intermediate/attribution/int_attribution__channel_weights.py"
CHANNELS = [
    "Direct", "Paid Search", "Organic Search", "Email", "Paid Social", "Organic Social", "Referral", "Display",
    "Affiliates", "Paid Shopping", "Organic Shopping", "Paid Video", "Organic Video", "AI Assistant", "SMS", "Audio",
]  # fmt: skip
SESSIONS, ORDERS = 1_000_000, 100_000
ROUNDS = 5  # of which the best counts
Path_ = tuple[tuple[str, ...], int, int]

THEIRS = """
import json, sys, time
import pandas as pd
import ChannelAttribution
data = pd.read_csv(sys.argv[1])
seconds = []
for _ in range(int(sys.argv[2])):
    begun = time.perf_counter()
    found = ChannelAttribution.markov_model(
        data, "path", "conversions", var_null="nulls", out_more=True, verbose=False, flg_pro=False, ncore=2)
    seconds.append(time.perf_counter() - begun)
effects = found["removal_effects"] if isinstance(found, dict) else found[2]
print("\\n" + json.dumps([min(seconds), dict(zip(effects.iloc[:, 0], map(float, effects.iloc[:, 1])))]))
"""


def paths(sessions: int = SESSIONS, orders: int = ORDERS, seed: int = 7) -> list[Path_]:
    """A month's paths, each with how often it converted and how often not; the same for the same seed."""
    chance = random.Random(seed)
    weights = [2 ** (-n / 3) for n in range(len(CHANNELS))]
    counts: Counter[tuple[tuple[str, ...], bool]] = Counter()
    left = sessions
    for _ in range(orders):
        path = chance.choices(CHANNELS, weights, k=min(12, 1 + int(chance.expovariate(0.35))))
        counts[tuple(path), True] += 1
        left -= len(path)
    while left > 0:
        path = chance.choices(CHANNELS[::-1], weights[::-1], k=min(12, 1 + int(chance.expovariate(0.9))))
        counts[tuple(path), False] += 1
        left -= len(path)
    return [(path, counts[path, True], counts[path, False]) for path in dict.fromkeys(path for path, _ in counts)]


def our_model() -> Any:
    """The dbt model as a module."""
    module = ModuleType(MODEL.stem)
    exec(compile(MODEL.read_text(), str(MODEL), "exec"), vars(module))
    return module


def exact_effects(known: list[Path_]) -> dict[str, Fraction]:
    """Removal effects in fractions, by solving the chain once for each removed channel."""
    counts: Counter[tuple[Any, Any]] = Counter()
    for path, conversions, nulls in known:
        for one, other in zip((None, *path), path, strict=False):
            counts[one, other] += conversions + nulls
        counts[path[-1], True] += conversions
        counts[path[-1], False] += nulls
    leaving: Counter[Any] = Counter()
    for (one, _), count in counts.items():
        leaving[one] += count
    whole = _converts(counts, leaving, removed="")
    return {channel: 1 - _converts(counts, leaving, channel) / whole for channel in leaving if channel is not None}


def _converts(counts: Counter[tuple[Any, Any]], leaving: Counter[Any], removed: str) -> Fraction:
    """P(conversion): states are eliminated one by one, start last."""
    states = [state for state in leaving if state != removed]
    chance = {
        one: {o: Fraction(counts[one, o], leaving[one]) for o in [*states, True] if counts[one, o]} for one in states
    }
    for gone in [state for state in states if state is not None]:
        steps = chance.pop(gone)
        stays = 1 - steps.pop(gone, Fraction(0))
        for others in chance.values():
            into = others.pop(gone, Fraction(0))
            for other, step in steps.items():
                others[other] = others.get(other, Fraction(0)) + into * step / stays
    return chance[None].get(True, Fraction(0))


def measured(known: list[Path_]) -> tuple[float, dict[str, float]]:
    """Our seconds, with the paths in a table as dbt has them, and removal effects."""
    model = our_model()
    columns = dict(zip(("path", "conversions", "non_conversions"), zip(*known, strict=True), strict=True))
    known_paths = pa.table({"month": ["2026-03-01"] * len(known), **columns})
    seconds = []
    with duckdb.connect(config={"threads": 2}) as con:
        con.from_arrow(known_paths).create("paths")
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            [steps] = model.steps_by_month(con.table("paths")).values()
            ours = {channel: float(effect) for channel, effect in model.removal_effects(steps).items()}
            seconds.append(time.perf_counter() - begun)
    return min(seconds), ours


def theirs(known: list[Path_], python: str) -> tuple[float, dict[str, float]]:
    """ChannelAttribution's seconds, with the paths in a data frame, and removal effects; its defaults, two threads."""
    with tempfile.TemporaryDirectory(prefix="romi-bench-") as folder:
        file = Path(folder) / "paths.csv"
        with file.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["path", "conversions", "nulls"])
            writer.writerows((" > ".join(path), *counts) for path, *counts in known)
        done = subprocess.run(
            [python, "-c", THEIRS, str(file), str(ROUNDS)], capture_output=True, text=True, check=True
        )
    seconds, effects = json.loads(done.stdout.splitlines()[-1])
    return seconds, effects


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--channel-attribution-python", default=sys.executable, help="a Python that has ChannelAttribution"
    )


def run(python: str) -> None:
    known = paths()
    touches = sum(len(path) * (conversions + nulls) for path, conversions, nulls in known)
    print(f"{touches:,} sessions, {sum(c for _, c, _ in known):,} orders, {len(known):,} distinct paths", flush=True)
    our_seconds, ours = measured(known)
    exact = exact_effects(known)
    print(f"ours: {our_seconds:.2f} s, {_error(ours, exact):.1e} from the solution in fractions", flush=True)
    if subprocess.run([python, "-c", "import ChannelAttribution"], capture_output=True).returncode:
        print("skipped: ChannelAttribution is not there; name a Python with --channel-attribution-python")
        return
    their_seconds, found = theirs(known, python)
    print(f"ChannelAttribution: {their_seconds:.2f} s = {their_seconds / our_seconds:.1f} x ours,"
          f" {_error(found, exact):.1e} from the solution in fractions")  # fmt: skip


def _error(found: dict[str, float], exact: dict[str, Fraction]) -> float:
    """The largest difference."""
    return max(abs(float(found[channel] - effect)) for channel, effect in exact.items())
