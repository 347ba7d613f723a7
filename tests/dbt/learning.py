"""What the data-driven models learn, again and by definition: fractions, no matrix algebra, no bit masks."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import groupby, pairwise, permutations
from pathlib import Path
from types import ModuleType

_MODEL = "dbt_project/models/intermediate/attribution/int_attribution__channel_weights.py"


def channel_weights():
    """The Python model as a module. Not imported, as that would leave bytecode among the models."""
    path = Path(__file__).parents[2] / _MODEL
    module = ModuleType(path.stem)
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    return module


def steps(paths):
    """The steps of paths as the model takes them: (channel, next channel, conversions, nulls)."""
    return [(*step, *counts) for path, *counts in paths for step in pairwise([None, *path, None])]


def conversion_probability(paths, without=None):
    """P(conversion from start), by elimination on the chain in which every step to `without` ends in null."""
    if not paths:
        return Fraction(0)
    counts = Counter()
    for path, conversions, nulls in paths:
        for step in pairwise(["start", *path]):
            counts[step] += conversions + nulls
        counts[path[-1], "conversion"] += conversions
        counts[path[-1], "null"] += nulls
    leaving = Counter()
    for (one, _), count in counts.items():
        leaving[one] += count
    states = [state for state in leaving if state != without]
    # p(one) = sum over other of P(one -> other) p(other): Gauss-Jordan on rows {state: coefficient, "": constant}.
    rows = {}
    for one in states:
        row = {other: -Fraction(counts[one, other], leaving[one]) for other in states}
        row[one] += 1
        rows[one] = row | {"": Fraction(counts[one, "conversion"], leaving[one])}
    for state in states:
        pivot = rows[state][state]
        rows[state] = {key: value / pivot for key, value in rows[state].items()}
        for other in states:
            if other != state:
                factor = rows[other][state]
                rows[other] = {key: value - factor * rows[state][key] for key, value in rows[other].items()}
    return rows["start"][""]


def removal_effects(paths):
    channels = {channel for path, *_ in paths for channel in path}
    whole = conversion_probability(paths)
    return {
        channel: (whole - conversion_probability(paths, channel)) / whole if whole else Fraction(0)
        for channel in channels
    }


def shapley_values(paths):
    """By definition: what a channel adds to those before it, on average over all orders; at most six channels."""
    channels = sorted({channel for path, *_ in paths for channel in path})

    @cache
    def worth(coalition):
        within = [(conversions, nulls) for path, conversions, nulls in paths if set(path) <= coalition]
        total = sum(conversions + nulls for conversions, nulls in within)
        return Fraction(sum(conversions for conversions, _ in within), total) if total else Fraction(0)

    added, orders = Counter(), list(permutations(channels))
    for order in orders:
        for i, channel in enumerate(order):
            added[channel] += worth(frozenset(order[: i + 1])) - worth(frozenset(order[:i]))
    return {channel: max(Fraction(0), added[channel] / len(orders)) for channel in channels}


def weights_e12(values):
    total = sum(values.values())
    return {channel: round(value / total * 10**12) if total else 0 for channel, value in values.items()}


def counterfactual_e12(path, paths):
    """Weights of a path's touches, each in 10^-12, from the month's paths."""
    rates = {}
    for known, conversions, nulls in paths:
        rate = rates.setdefault(tuple(channel for channel, _ in groupby(known)), [0, 0])
        rate[0] += conversions
        rate[1] += conversions + nulls
    runs = [(channel, len(list(run))) for channel, run in groupby(path)]
    collapsed = tuple(channel for channel, _ in runs)

    def rate_of(taken):
        conversions, total = rates.get(taken, (0, 1))
        return Fraction(conversions, total)

    weights = []
    for i, (_, length) in enumerate(runs):
        worth = max(Fraction(0), rate_of(collapsed) - rate_of(collapsed[:i] + collapsed[i + 1 :]))
        weights += [round(worth / length * 10**12)] * length
    return weights
