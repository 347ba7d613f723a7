"""The differentially private mechanism: a region's month, bounded by person, noised, made consistent, in integers.

The unit is a person's month: with or without any one person, what comes out is nearly as likely, by a factor of at
most exp(epsilon). For that, each person's month is scaled down to a cap, and four vectors get discrete Laplace noise
of OpenDP: for each measure the region's total and the channels of a fixed list. Least squares then makes the channels
add up to the total; it sees noised figures only, and so costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from settings import PermanentError

# Fixed, and never taken from the data: a channel that appears because one person came by it would tell of that person.
CHANNELS = (
    "Direct", "Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other",
    "Organic Shopping", "Organic Social", "Organic Video", "Organic Search", "AI Assistant", "Email", "Affiliates",
    "Referral", "Audio", "SMS", "Mobile Push Notifications", "Unassigned", "(other)", "(unattributed)",
)  # fmt: skip
TOTAL = "(total)"
MEASURES = ("conversions", "net_revenue")  # in millionths and in cents

# How a month's epsilon is split. A cap of money is worth more orders than the cap of orders, so money takes more; of
# each measure the channels take more than the total, which has fewer cells to lose itself in.
SHARES = {
    ("conversions", "total"): Fraction(10, 100),
    ("conversions", "channels"): Fraction(20, 100),
    ("net_revenue", "total"): Fraction(20, 100),
    ("net_revenue", "channels"): Fraction(50, 100),
}

Cells = dict[str, list[int]]  # a measure's figures, in the order of CHANNELS
Credit = tuple[object, str, int, int]  # person, channel, conversions in millionths, net revenue in cents


@dataclass(frozen=True)
class Scales:
    """The noise of one measure; `scale` of discrete Laplace: a difference of k costs k / scale of epsilon."""

    total: int
    channels: int

    @property
    def pull(self) -> Fraction:
        """By how much of the total's disagreement each channel is moved in weighted least squares."""
        return Fraction(self.channels**2, self.total**2 + len(CHANNELS) * self.channels**2)


@dataclass(frozen=True)
class Drawn:
    """A noised month: channels that add up to the totals, and how far off each figure may be."""

    channels: Cells
    totals: dict[str, int]


def bounded(credits: Iterable[Credit], caps: dict[str, int]) -> Cells:
    """The month's truth with each person's part of it scaled down to the caps.

    A person's absolute figures over all channels sum to at most the cap of each measure, whatever the person did and
    whichever sign it has; so adding or removing one person moves all channels together, and the total, by no more.
    """
    place = {channel: index for index, channel in enumerate(CHANNELS)}
    months: dict[object, dict[str, dict[int, int]]] = {}
    for person, channel, *figures in credits:
        month = months.setdefault(person, {measure: defaultdict(int) for measure in MEASURES})
        for measure, figure in zip(MEASURES, figures, strict=True):
            month[measure][place.get(channel, place["(other)"])] += figure
    sums = {measure: [0] * len(CHANNELS) for measure in MEASURES}
    for month in months.values():
        for measure in MEASURES:
            for index, figure in _scaled(month[measure], caps[measure]).items():
                sums[measure][index] += figure
    return sums


def _scaled(figures: dict[int, int], cap: int) -> dict[int, int]:
    size = sum(map(abs, figures.values()))
    if size <= cap:
        return figures
    # Towards zero, so that the parts never exceed the cap together.
    return {index: abs(one) * cap // size * (1 if one > 0 else -1) for index, one in figures.items()}


def scales(caps: dict[str, int], epsilon: Fraction) -> dict[str, Scales]:
    """The noise that a month of these caps needs to cost at most `epsilon` in all.

    Raises:
        PermanentError: it is more than can be told exactly to OpenDP, or added to figures of 64 bits.
    """

    def scale(measure: str, level: str) -> int:
        share = epsilon * SHARES[measure, level]
        found = max(1, -(-caps[measure] * share.denominator // share.numerator))  # up: never less noise
        if found >= 2**53:
            raise PermanentError(f"the cap of {measure} is too large for an epsilon of {float(epsilon):g}")
        return found

    return {measure: Scales(scale(measure, "total"), scale(measure, "channels")) for measure in MEASURES}


def cost(caps: dict[str, int], noise: dict[str, Scales]) -> Fraction:
    """The epsilon that drawing a month with this noise costs, exactly."""
    return sum((Fraction(caps[one], noise[one].total) + Fraction(caps[one], noise[one].channels) for one in MEASURES),
               start=Fraction(0))  # fmt: skip


def draw(truth: Cells, noise: dict[str, Scales]) -> Drawn:
    """Noise the bounded `truth` once; no call gives the same again."""
    channels, totals = {}, {}
    for measure in MEASURES:
        (total,) = add_noise([sum(truth[measure])], noise[measure].total)
        channels[measure] = consistent(total, add_noise(truth[measure], noise[measure].channels), noise[measure])
        totals[measure] = sum(channels[measure])
    return Drawn(channels, totals)


def add_noise(values: list[int], scale: int) -> list[int]:
    """Each value with its own discrete Laplace noise, P(k) ~ exp(-|k| / scale), exactly sampled by OpenDP."""
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_laplace
    from opendp.metrics import l1_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    domain = vector_domain(atom_domain(T="i64"), size=len(values))
    noised: list[int] = make_laplace(domain, l1_distance(T="i64"), scale=float(scale))(values)
    return noised


def consistent(total: int, channels: list[int], noise: Scales) -> list[int]:
    """Weighted least squares of a total and its channels, rounded so that the channels add up to an integer total."""
    shift = round((total - sum(channels)) * noise.pull * len(channels))
    each, rest = divmod(shift, len(channels))
    return [one + each + (index < rest) for index, one in enumerate(channels)]


def half_width(noise: list[Scales], level: str, confidence: float = 0.95) -> int:
    """How far off a figure is at most, with this confidence; of several independent draws, their difference.

    It knows of least squares, and of rounding by at most a unit at each draw.
    """
    terms = [term for one in noise for term in _terms(one, level)]
    low, high = 0.0, 200 * max(size for size, _ in terms)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _within(middle, terms) >= confidence else (middle, high)
    return int(np.ceil(high)) + len(noise)


def _terms(noise: Scales, level: str) -> list[tuple[float, int]]:
    """The independent Laplace noises that a figure's error is the sum of: their scales, and how many of each."""
    count, pull = len(CHANNELS), float(noise.pull)
    if level == "total":
        return [(count * pull * noise.total, 1), ((1 - count * pull) * noise.channels, count)]
    return [((1 - pull) * noise.channels, 1), (pull * noise.channels, count - 1), (pull * noise.total, 1)]


def _within(bound: float, terms: list[tuple[float, int]]) -> float:
    """P(|error| <= bound), from the characteristic function: 2/pi times the integral of sin(t bound) / t phi(t).

    The trapezoidal rule is exact here up to what lies beyond 60 standard deviations.
    """
    step = 2 * np.pi / (60 * np.sqrt(sum(2 * count * size**2 for size, count in terms)))
    at = step * np.arange(1, int(2000 / max(size for size, _ in terms) / step) + 1)
    phi = np.exp(-sum(count * np.log1p((size * at) ** 2) for size, count in terms))
    return float(2 * step / np.pi * (bound / 2 + np.sum(np.sin(at * bound) / at * phi)))
