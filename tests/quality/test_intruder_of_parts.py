"""Whoever keeps versions of tables that divide a month finds no part of fewer than k buyers by sums of figures."""

import numpy as np
import pytest

from quality import stepping
from tests.quality import intruder_of_both, sweep
from tests.quality.divided import Versions, histories
from tests.quality.histories import History, versions
from tests.quality.intruder_of_moves import Moves
from tests.quality.intruder_of_parts import found_by

GROWING = {"orders": 160, "versions": 16, "refunds": 0.1, "skew": 0.5}
# Histories of which one could tell what came to a part, if steps were not proved.
TELLING = [("cohorts", 23, 2, {"orders": 20, "refunds": 0.9, "skew": 0.5}),
           ("currencies", 48, 3, {"orders": 20, "refunds": 0.3, "skew": 3.0}),
           ("fates", 97, 3, {"orders": 20, "refunds": 0.9}),
           ("fates", 142, 3, {"orders": 20, "refunds": 0.05, "whale": True})]  # fmt: skip


def history(table, seed, k, steps=True, held=None, **sizes):
    found = Versions(table, k, steps)
    for number, items in enumerate(histories(table, seed, **sizes)):
        found.publish(items, is_held=number == held)
    return found


def in_a_row(count, sizes=(1, 2, 3)):
    """Each version, and each pair and triple of consecutive ones."""
    return [list(range(start, start + size)) for size in sizes for start in range(count - size + 1)]


def findings(found, versions=None):
    return [
        (kept, model, measure, name)
        for kept in versions or in_a_row(len(found.published))
        for model in range(len(found.models))
        for measure in (0, 1)
        for name in found_by(found, kept, model, measure)
    ]


@pytest.mark.parametrize("table", ["currencies", "fates", "cohorts"])
def test_an_intruder_finds_nothing_in_parts_that_step_and_something_in_those_that_do_not(table):
    last = in_a_row(GROWING["versions"], sizes=[2])[-3:]
    assert not findings(history(table, 2, 2, **GROWING), last)
    assert findings(history(table, 2, 2, steps=False, **GROWING), last)


@pytest.mark.parametrize(("table", "seed", "k", "sizes"), TELLING)
def test_a_part_waits_where_one_could_tell_what_came_to_it(table, seed, k, sizes, monkeypatch):
    pairs = in_a_row(5, sizes=[2])
    assert not findings(history(table, seed, k, **sizes), pairs)
    monkeypatch.setattr(stepping, "refuted", lambda *_: [])
    assert findings(history(table, seed, k, **sizes), pairs)


# One buyer's refunds, a part that was left in (other) of its kin, one that left it after a build without steps; others.
@pytest.mark.parametrize("seed", [5100, 5259, 5040, *(pytest.param(seed, marks=pytest.mark.slow)
                                                      for seed in (5263, 5273, *range(6000, 6060)))])  # fmt: skip
def test_versions_that_are_no_neighbours_tell_nothing_of_parts(seed):
    assert sweep.findings_of_parts(sweep.Case(seed)) == []


@pytest.mark.slow
@pytest.mark.parametrize("table", ["currencies", "fates", "cohorts"])
@pytest.mark.parametrize("seed", range(60))
def test_an_intruder_finds_nothing_in_random_parts(table, seed):
    draw = np.random.default_rng([1, seed])
    sizes = {
        "orders": int(draw.choice([20, 40, 80, 160, 600])), "whale": bool(draw.random() < 0.2),
        "refunds": float(draw.choice([0.05, 0.3, 0.9])), "skew": float(draw.choice([0.5, 1.5, 3])),
        "buyers": 8 if draw.random() < 0.1 else None, "held": 2 if draw.random() < 0.2 else None,
    }  # fmt: skip
    assert not findings(history(table, seed, int(draw.choice([2, 3, 5])), **sizes))


def bounded(table, seed, k, steps=True, **sizes):
    """What the intruder who bounds parts knows of any two versions of a month that grows."""
    found = history(table, seed, k, steps=steps, gone=0, refunds=0, **sizes)
    looks = [
        Moves(found, [first, second], model)
        for second in range(5)
        for first in range(second)
        for model in range(len(found.models))
    ]
    assert all(one.is_so for one in looks) or not steps
    return [(one.versions, one.model, one.told()) for one in looks if one.is_so and one.told()]


# Months of which the same intruder knows something where each version is drawn anew.
@pytest.mark.parametrize(("table", "seed", "k", "sizes"), [
    ("currencies", 9, 2, {"orders": 80, "skew": 1.5}), ("fates", 7, 3, {"orders": 80, "skew": 3.0}),
    pytest.param("cohorts", 5, 5, {"orders": 80, "skew": 0.5}, marks=pytest.mark.slow),
])  # fmt: skip
def test_no_part_is_bounded_within_a_tenth_where_it_steps(table, seed, k, sizes):
    assert not bounded(table, seed, k, **sizes)
    assert bounded(table, seed, k, steps=False, **sizes)


def both(seed, steps=True):
    """The versions of a month by campaign and by currency."""
    sizes = {"orders": 60, "days": 4, "more": 1, "channels": 2, "campaigns": 2, "skew": 0.5, "refunds": 0.1}
    currency = np.random.default_rng([3, seed]).choice(["EUR", "GBP", "USD"], 60, p=[0.5, 0.3, 0.2])
    months, parts = History(2, steps=steps), Versions("currencies", 2, steps)
    for credits in versions(seed, **sizes):
        months.publish(credits)
        parts.publish(intruder_of_both.orders_of(credits, lambda order: str(currency[order])))
    return months, parts


def together(months, parts):
    return [
        (kept, measure, name)
        for kept in ([1], [1, 2], [2, 3], [3, 4])
        for measure in (0, 1)
        for name in intruder_of_both.found_by(months, parts, kept, measure)
    ]


@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 24))])
def test_currencies_beside_campaigns_tell_nothing_that_either_hides(seed):
    assert not together(*both(seed))


def test_the_intruder_of_both_finds_what_tables_without_steps_give_away():
    assert together(*both(3, steps=False))
