"""The intruder over the histories of random shops, one for each seed.

python -m tests.quality.sweep 0 200 [FILE]  # a line for each seed; what stands in FILE already is left out

A history grows, with late orders, refunds, cancellations and erasures. On its way a version may be rolled back to, an
older file restored, or all rebuilt from nothing, which leaves no version of before. Each seed also divides a month into
currencies, cohorts or fates.
"""

import sys
from itertools import combinations
from pathlib import Path

import numpy as np

from tests.quality.attack_versions import small_moves
from tests.quality.divided import HOW, Versions, histories
from tests.quality.histories import History, versions
from tests.quality.intruder import found_by
from tests.quality.intruder_of_parts import found_by as found_in_parts
from tests.quality.shops import MODELS

KINDS = {
    "usual": {},
    "few buyers": {"buyers": 8},
    "one buyer dominates": {"whale": True},
    "refunds only": {"refunds": 0.95},
    "one channel": {"channels": 1, "campaigns": 4},
    "all direct": {"channels": 1, "campaigns": 1},
    "two campaigns": {"channels": 2, "campaigns": 1},
    "a single day": {"days": 2, "more": 5},
    "many erased": {"erased": 0.8, "cancelled": 0.3},
    "many campaigns": {"channels": 4, "campaigns": 12, "skew": 1.5},
}
LIVES = ("plain", "rolled back", "restored", "rebuilt")
SIZES = (30, 60, 120, 250, 500, 1000, 3000, 20_000)
ODDS = (0.2, 0.25, 0.25, 0.1, 0.1, 0.06, 0.03, 0.01)


class Case:
    """What a seed stands for."""

    def __init__(self, seed):
        draw = np.random.default_rng([20, seed])
        self.draw = draw
        self.kind = sorted(KINDS)[seed % len(KINDS)]
        self.life = str(draw.choice(LIVES))
        self.orders = int(draw.choice(SIZES, p=ODDS))
        self.k = int(draw.choice([2, 3, 5, 10]))
        self.sizes = {
            "seed": seed, "orders": self.orders, "days": int(draw.choice([3, 4, 5])), "more": 2,
            "channels": int(draw.integers(1, 4)), "campaigns": int(draw.choice([1, 2, 3])),
            "skew": float(draw.choice([0.5, 1, 2])), **KINDS[self.kind],
        }  # fmt: skip

    @property
    def words(self):
        return f"{self.sizes['seed']} {self.kind}, {self.life}, {self.orders} orders, k {self.k}"

    def history(self, hold=True):
        """The history, and the number of the first version that is left of it."""
        credits = list(versions(**self.sizes))
        found, turn = History(self.k), int(self.draw.integers(1, len(credits) - 1))
        for number, some in enumerate(credits):
            if number == turn and self.life == "restored":
                found.restore(max(0, turn - 2)).publish(some, is_held=hold)
            elif number == turn and self.life == "rebuilt":
                found.rows = {}
                found.publish(some)
            else:
                found.publish(some)
        return found, turn if self.life == "rebuilt" else 0

    def kept(self, count):
        """The versions that somebody keeps: one, two or three, neighbours or not."""
        rows, few = kept_of(count), 3 if self.orders > 2000 else 8
        return rows if len(rows) <= few else [rows[i] for i in sorted(self.draw.choice(len(rows), few, replace=False))]


def kept_of(count):
    """Each version, pair and triple of versions."""
    return [list(some) for size in (1, 2, 3) for some in combinations(range(count), size)]


def findings(seed):
    """What the intruder finds in the history of a seed, as text; nothing where all is well."""
    case = Case(seed)
    history, first = case.history()
    history.published = history.published[first:]
    found = [f"moves {one}" for one in small_moves(history)]
    models = case.draw.choice(MODELS, 2, replace=False)
    for kept in case.kept(len(history.published)):
        for model in map(str, models):
            for measure in (0, 1):
                told = found_by(history, kept, model, measure, most=4)
                found += [f"{kept} {model} {measure} {name}" for name in told]
    return found + findings_of_parts(case)


def findings_of_parts(case):
    """The same of one of the tables that divide a month into parts."""
    seed = case.sizes["seed"]
    table = sorted(HOW)[seed // len(KINDS) % len(HOW)]
    parts = Versions(table, case.k)
    sizes = {name: case.sizes[name] for name in ("buyers", "whale", "refunds", "skew") if name in case.sizes}
    for number, items in enumerate(histories(table, seed, min(case.orders, 1000), **sizes)):
        parts.publish(items, is_held=number == 2 and case.life == "restored")
    return [
        f"{table} {some} {model} {measure} {name}"
        for some in kept_of(len(parts.published))
        for model in range(len(parts.models))
        for measure in (0, 1)
        for name in found_in_parts(parts, some, model, measure, most=8)
    ]


def main(first, last, file=None):
    """Sweep seeds; returns how many gave something away."""
    path = Path(file) if file else None
    lines = path.read_text().splitlines() if path and path.exists() else []
    done = {int(line.split()[0]) for line in lines}
    broken = 0
    for seed in range(int(first), int(last)):
        if seed in done:
            continue
        found = findings(seed)
        broken += bool(found)
        line = f"{Case(seed).words}: {len(found)} found {'; '.join(found[:3])}"
        print(line, flush=True)
        if path:
            with path.open("a") as out:
                out.write(line + "\n")
    return broken


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
