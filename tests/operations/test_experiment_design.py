"""The layout of an experiment: what it says it can show, it shows as often as it says."""

import random

import numpy as np
import pytest

from operations.experiments.design import (
    History,
    draw_geographies,
    lift_of,
    size_of_geographies,
    size_of_persons,
)


def test_the_smallest_effect_of_persons_is_found_as_often_as_the_power_says():
    rng, found, simulated = np.random.default_rng(3), 0, 1_000
    mean, sd, n = 100.0, 250.0, 20_000
    size = size_of_persons(History(n, mean, sd**2, 0), 28, 0.2, 0.95, 0.8)
    assert (size.treated, size.control, size.with_cuped) == (16_000, 4_000, None)
    for _ in range(simulated):
        treated = rng.normal(mean * (1 + size.smallest_effect), sd / np.sqrt(size.treated))
        control = rng.normal(mean, sd / np.sqrt(size.control))
        error = sd * np.sqrt(1 / size.treated + 1 / size.control)
        found += abs(treated - control) > 1.96 * error
    assert 0.76 < found / simulated < 0.84


def test_cuped_is_told_of_where_it_helps():
    alike = size_of_persons(History(1_000, 100, 10_000, 0.6), 28, 0.5, 0.95, 0.8)
    assert alike.with_cuped == pytest.approx(alike.smallest_effect * 0.8)
    assert size_of_persons(History(1_000, 100, 10_000, 0.2), 28, 0.5, 0.95, 0.8).with_cuped is None


@pytest.mark.parametrize("history", [History(59, 100, 1, 0), History(1_000, 0, 0, 0), History(0, 0, 0, 0)])
def test_of_few_persons_or_without_orders_nothing_is_told(history):
    assert size_of_persons(history, 28, 0.1, 0.95, 0.8).smallest_effect is None


def test_the_smallest_effect_of_geographies_is_what_draws_on_the_past_leave_visible():
    draw = random.Random(5)
    before = {f"g{n}": draw.uniform(500, 5_000) for n in range(40)}
    after = {place: amount * draw.gauss(1.1, 0.1) for place, amount in before.items()}
    size = size_of_geographies(before, after, 28, 0.95, 0.8)
    assert (size.treated, size.control) == (20, 20)
    assert 0.05 < size.smallest_effect < 0.15  # a tenth of noise in each of twenty: about 2.8 x 0.1 x sqrt(2 / 20)
    treated, control = draw_geographies(before, "summer")
    assert draw_geographies(before, "summer") == (treated, control)
    assert sorted(treated + control) == sorted(before)
    grown = {place: amount * (1.5 if place in treated else 1) for place, amount in after.items()}
    assert lift_of(before, grown, treated, control) > size.smallest_effect
    assert size_of_geographies(dict(list(before.items())[:9]), after, 28, 0.95, 0.8).smallest_effect is None
