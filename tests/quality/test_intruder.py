"""Whoever keeps one version, two or three in a row finds no cell of fewer than k buyers by adding and subtracting."""

import numpy as np
import pytest

from tests.quality import sweep
from tests.quality.histories import History, versions
from tests.quality.intruder import Intruder, found_by

GROWING = {"seed": 3, "orders": 60, "days": 4, "more": 1, "channels": 2, "campaigns": 2, "skew": 0.5, "refunds": 0.1}
DEGENERATE = {
    "all refunded": {"orders": 60, "channels": 2, "campaigns": 2, "refunds": 0.95},
    "few buyers": {"orders": 60, "channels": 2, "campaigns": 2, "buyers": 8},
    "one buyer dominates": {"orders": 60, "channels": 2, "campaigns": 2, "whale": True},
    "one channel": {"orders": 60, "channels": 1, "campaigns": 4},
    "two campaigns": {"orders": 40, "channels": 2, "campaigns": 1},
    "two days": {"orders": 40, "days": 2, "more": 4, "channels": 2, "campaigns": 2},
    "many erased": {"orders": 60, "channels": 2, "campaigns": 2, "erased": 0.8, "cancelled": 0.3},
}  # fmt: skip


def history(k, steps=True, **sizes):
    found = History(k, steps=steps)
    for credits in versions(**sizes):
        found.publish(credits)
    return found


def in_a_row(history, most=3):
    """Each version, and each pair and triple of consecutive ones."""
    count = len(history.published)
    return [list(range(start, start + size)) for size in range(1, most + 1) for start in range(count - size + 1)]


def findings(history, kept, models=("last_touch", "linear"), most=6):
    return [
        (versions, model, measure, name)
        for versions in kept
        for model in models
        for measure in (0, 1)
        for name in found_by(history, versions, model, measure, most)
    ]


def test_an_intruder_finds_nothing_in_versions_that_step_and_something_in_those_that_do_not():
    kept = [[1, 2], [3, 4]]
    assert not findings(history(2, **GROWING), kept, models=("linear",))
    assert findings(history(2, steps=False, **GROWING), kept, models=("linear",))


def test_what_the_intruder_finds_is_a_sum_of_published_figures():
    intruder = Intruder(history(2, steps=False, **GROWING), [1, 2], "linear", 0)
    secrets = intruder.secrets()
    name, recipe = next(iter(intruder.recipes(secrets).items()))
    values = dict(zip(intruder.figures, intruder.values, strict=True))
    true = sum(intruder.money[i] for i in secrets[name])
    assert sum(times * values[figure] for figure, times in recipe.items()) == pytest.approx(true, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("seed", range(3))
def test_an_intruder_finds_nothing_in_degenerate_shops(name, seed):
    found = history(3, **{"seed": seed, "days": 4, "more": 2, "skew": 0.5, **DEGENERATE[name]})
    assert not findings(found, in_a_row(found))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_an_intruder_finds_nothing_in_random_histories(seed):
    draw = np.random.default_rng(seed)
    found = history(
        int(draw.choice([2, 3, 5])), seed=seed, orders=int(draw.choice([30, 60, 100])), days=int(draw.choice([3, 4])),
        more=2, channels=int(draw.integers(1, 4)), campaigns=int(draw.choice([1, 2, 3])),
        skew=float(draw.choice([0.5, 2])), whale=bool(draw.random() < 0.2),
    )  # fmt: skip
    assert not findings(found, in_a_row(found))


@pytest.mark.slow
@pytest.mark.parametrize(("orders", "k"), [(300, 5), (300, 10), (1000, 10), (3000, 10)])
def test_an_intruder_finds_nothing_in_larger_shops(orders, k):
    found = history(k, seed=orders, orders=orders, days=8, more=1, channels=5, campaigns=4)
    last = len(found.published) - 1
    assert not findings(found, [[last], [last - 1, last], [3, 4], [3, 4, 5]], models=("linear",), most=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_the_sweep_finds_nothing(seed):
    assert sweep.findings(seed) == []


def test_what_was_restored_and_is_fed_the_same_again_publishes_the_same_again():
    credits = list(versions(**GROWING))
    found = History(3)
    for some in credits[:3]:
        found.publish(some)
    restored = History(3)
    restored.rows, restored.published, restored.credits = found.rows, list(found.published), dict(found.credits)
    assert restored.publish(credits[3]).published[-1] == found.publish(credits[3]).published[-1]
