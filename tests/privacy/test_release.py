"""The mechanism: its noise has the law it says, no person moves a month by more than the cap, and figures add up."""

from __future__ import annotations

import math
import re
from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opendp.domains import atom_domain, vector_domain
from opendp.measurements import make_laplace
from opendp.metrics import l1_distance

from privacy import release
from privacy.release import CHANNELS, MEASURES, SHARES, Scales, add_noise, bounded, consistent, draw, half_width, scales
from settings import PermanentError

ROOT = Path(__file__).resolve().parents[2]
CAPS = {"conversions": 3_000_000, "net_revenue": 60_000}
NOTHING = {measure: [0] * len(CHANNELS) for measure in MEASURES}


# The law of the noise


def chi_square(noise: list[int], scale: int, bins: int = 20) -> tuple[float, int]:
    """How far the noise is from discrete Laplace, over bins of about equal weight; and the degrees of freedom."""
    p = math.exp(-1 / scale)

    def up_to(k: int) -> float:
        return p**-k / (1 + p) if k < 0 else 1 - p ** (k + 1) / (1 + p)

    edges = sorted({math.floor(_quantile(n / bins, p)) for n in range(1, bins)})
    weights = [
        high - low
        for low, high in zip([0, *map(up_to, edges)], [*map(up_to, edges), 1], strict=True)
    ]  # fmt: skip
    found = Counter(sum(one > edge for edge in edges) for one in noise)
    expected = [weight * len(noise) for weight in weights]
    return sum((found[n] - one) ** 2 / one for n, one in enumerate(expected)), len(edges)


def _quantile(share: float, p: float) -> float:
    tail = min(share, 1 - share)
    size = math.log(tail * (1 + p)) / math.log(p)
    return -size if share < 0.5 else size - 1


def critical(freedom: int, deviations: float = 4.75) -> float:
    """What chi-square exceeds once in a million (Wilson and Hilferty)."""
    part = 2 / (9 * freedom)
    return freedom * (1 - part + deviations * math.sqrt(part)) ** 3


@pytest.mark.parametrize("scale", [1, 7, 120_000, 15_000_000])
def test_noise_is_discrete_laplace(scale: int) -> None:
    noise = add_noise([0] * 40_000, scale)
    found, freedom = chi_square(noise, scale)
    assert found < critical(freedom)


@pytest.mark.parametrize("scale", [7, 120_000])
def test_chi_square_notices_noise_that_is_a_tenth_too_small(scale: int) -> None:
    under = make_laplace(vector_domain(atom_domain(T="i64")), l1_distance(T="i64"), scale=0.9 * scale)
    found, freedom = chi_square(under([0] * 40_000), scale)
    assert found > critical(freedom)


def test_each_value_has_noise_of_its_own() -> None:
    one, other = add_noise([10**9] * 5_000, 1_000), add_noise([10**9] * 5_000, 1_000)
    assert one != other
    assert len(set(one)) > 1_000
    # Neighbours in the vector go their own ways: the correlation's standard error is 1 in 70.
    pairs = [(a - 10**9, b - 10**9) for a, b in pairwise(one)]
    assert abs(sum(a * b for a, b in pairs)) < 0.1 * sum(a * a for a, _ in pairs)


def test_opendp_agrees_on_what_the_noise_costs() -> None:
    noise = scales(CAPS, Fraction(1))
    said = 0.0
    for measure in MEASURES:
        for scale in (noise[measure].total, noise[measure].channels):
            measurement = make_laplace(vector_domain(atom_domain(T="i64")), l1_distance(T="i64"), scale=float(scale))
            said += measurement.map(CAPS[measure])
    assert said == pytest.approx(float(release.cost(CAPS, noise)), rel=1e-12)
    assert release.cost(CAPS, noise) == 1


@given(
    st.fractions(Fraction(1, 1000), 1000, max_denominator=1000),
    st.integers(0, 10**9), st.integers(1, 10**8),
)  # fmt: skip
def test_month_never_costs_more_than_its_epsilon(epsilon: Fraction, cents: int, millionths: int) -> None:
    caps = {"conversions": millionths, "net_revenue": cents}
    noise = scales(caps, epsilon)
    assert release.cost(caps, noise) <= epsilon
    assert min(noise[measure].total for measure in MEASURES) >= 1


def test_noise_that_a_float_cannot_tell_exactly_is_refused() -> None:
    with pytest.raises(PermanentError, match="the cap of net_revenue is too large for an epsilon of 1e-06"):
        scales({"conversions": 1, "net_revenue": 10**11}, Fraction(1, 10**6))


def test_shares_of_epsilon_are_the_whole() -> None:
    assert sum(SHARES.values()) == 1


# The bound on persons

figures = st.integers(-(10**15), 10**15)
credits = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([*CHANNELS[:3], "(unattributed)", "Own Channel"]), figures, figures),
    max_size=30,
)
caps = st.fixed_dictionaries({"conversions": st.integers(1, 10**7), "net_revenue": st.integers(0, 10**7)})


@given(credits, caps)
def test_removing_any_person_moves_the_month_by_at_most_the_caps(
    month: list[release.Credit], caps: dict[str, int]
) -> None:
    everyone = bounded(month, caps)
    for person in {credit[0] for credit in month}:
        others = bounded([credit for credit in month if credit[0] != person], caps)
        for measure in MEASURES:
            moved = [one - other for one, other in zip(everyone[measure], others[measure], strict=True)]
            assert sum(map(abs, moved)) <= caps[measure]
            assert abs(sum(moved)) <= caps[measure]


def test_month_within_the_caps_stays_as_it_is() -> None:
    month = [(1, "Email", 500_000, 5_001), (1, "Direct", 500_000, 5_000), (2, "Email", 1_000_000, -700)]
    found = bounded(month, CAPS)
    email, direct = CHANNELS.index("Email"), CHANNELS.index("Direct")
    assert (found["net_revenue"][email], found["net_revenue"][direct]) == (4_301, 5_000)
    assert (found["conversions"][email], sum(found["conversions"])) == (1_500_000, 2_000_000)


def test_month_beyond_the_cap_is_scaled_as_a_whole() -> None:
    month = [(1, "Email", 0, 90_000), (1, "Direct", 0, -30_000)]
    found = bounded(month, CAPS)["net_revenue"]
    assert (found[CHANNELS.index("Email")], found[CHANNELS.index("Direct")]) == (45_000, -15_000)


def test_channel_of_ones_own_counts_as_other() -> None:
    assert bounded([(1, "Out of home", 1, 2)], CAPS)["net_revenue"][CHANNELS.index("(other)")] == 2


def test_list_of_channels_is_that_of_the_models() -> None:
    macro = (ROOT / "dbt_project" / "macros" / "channels.sql").read_text()
    named = re.findall(r"(?:then|else) '([^']+)'", macro)
    assert set(CHANNELS) == {*named, "(other)", "(unattributed)"}
    assert len(CHANNELS) == len(set(CHANNELS))


# Consistency, and how far off figures are


@given(
    st.integers(-(10**12), 10**12), st.lists(st.integers(-(10**12), 10**12), min_size=22, max_size=22),
    st.integers(1, 10**7), st.integers(1, 10**7),
)  # fmt: skip
def test_channels_are_those_of_least_squares_to_the_unit(total: int, channels: list[int], t: int, c: int) -> None:
    found = consistent(total, channels, Scales(t, c))
    shift = (total - sum(channels)) * Fraction(c**2, t**2 + 22 * c**2)  # where the weighted squares' slope is 0
    assert all(abs(one - (other + shift)) <= 1 for one, other in zip(found, channels, strict=True))
    assert abs(sum(found) - (sum(channels) + 22 * shift)) <= Fraction(1, 2)


def test_channels_add_up_to_the_total_and_empty_ones_are_there() -> None:
    drawn = draw(NOTHING, scales(CAPS, Fraction(1)))
    for measure in MEASURES:
        assert len(drawn.channels[measure]) == len(CHANNELS)
        assert sum(drawn.channels[measure]) == drawn.totals[measure]
        assert sum(one != 0 for one in drawn.channels[measure]) > 20


def coverage(epsilon: Fraction, noise_of: Fraction, draws: int) -> dict[tuple[str, str], float]:
    """How often the half-widths stated for `epsilon` hold the truth, by measure and level."""
    truth = {"conversions": [n * 1_234_567 for n in range(22)], "net_revenue": [n**2 * 12_345 for n in range(22)]}
    stated, noise = scales(CAPS, epsilon), scales(CAPS, noise_of)
    held: Counter = Counter()
    for _ in range(draws):
        drawn = draw(truth, noise)
        for measure in MEASURES:
            width = half_width_of(stated[measure], "channels")
            found = zip(drawn.channels[measure], truth[measure], strict=True)
            held[measure, "channels"] += sum(abs(one - true) <= width for one, true in found) / len(CHANNELS)
            off = abs(drawn.totals[measure] - sum(truth[measure]))
            held[measure, "total"] += off <= half_width_of(stated[measure], "total")
    return {cell: count / draws for cell, count in held.items()}


@cache
def half_width_of(noise: Scales, level: str) -> int:
    return half_width([noise], level)


def test_half_widths_hold_the_capped_truth_in_95_of_100_draws() -> None:
    found = coverage(Fraction(1), Fraction(1), 2_000)
    assert len(found) == 4
    assert all(0.93 <= share <= 0.97 for share in found.values()), found


def test_coverage_notices_noise_of_another_size() -> None:
    assert max(coverage(Fraction(1), Fraction(7, 10), 400).values()) < 0.93
    assert min(coverage(Fraction(1), Fraction(3, 2), 400).values()) > 0.97


def test_half_width_of_a_single_noise_is_its_quantile() -> None:
    # A total noised so much that least squares takes the channels as they are.
    found = half_width([Scales(10**12, 1_000_000)], "channels")
    assert found == pytest.approx(-math.log(0.05) * 1_000_000, rel=1e-3)


def test_difference_of_two_draws_is_wider_than_either() -> None:
    fine, coarse = Scales(1_000, 400), Scales(4_000, 1_600)
    for level in ("total", "channels"):
        both = half_width([fine, coarse], level)
        assert half_width([coarse], level) < both < half_width([coarse], level) + half_width([fine], level)
