"""A month's credits as arrays: what was published of them, what stands now, and how many buyers a set of them has.

A *row* is a version of what one touch of one order is credited with. It is *current* if attribution says so today, and
it has a *level* in each published table: 2 under its own name, 1 in ``(other)`` of its channel (of its segment, in the
table of segments), 0 in channel ``(other)``, where all waits that stands nowhere else. What has changed since it was
published is two rows: one that is no longer current and still stands, and one that is current and waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
OWN, CHANNEL, REST = 2, 1, 0
REVENUE, REFUNDS = 0, 1  # measures
FINER = ("day", "touch", "segment")
_REMEMBERED = 8  # groupings whose order of rows is kept


@dataclass
class Month:
    """Arrays of one length, a row version each; names are numbers, sorted as the names are."""

    campaign: Ints  # of a channel: two channels' campaigns of one name are two
    channel: Ints
    columns: dict[str, Ints]  # of each finer table: the day of the order, of the touch, the segment; may have none
    buyer: Ints
    gives: Bools  # (row, model): whether the model gives it money
    amounts: Floats  # (row, model, measure): revenue, refunds, conversions
    is_current: Bools
    levels: dict[str, Ints]  # of the month and each finer table
    replaces: Ints  # of what is current, the row that it was in the same cell; -1 where there is none
    arrived: Ints  # the step at which it was first seen; negative if nobody knows any more what has shown it since
    stepped: Ints  # the step at which it took its level in the month, 0 while it waits
    names: dict[str, list[Any]] = field(default_factory=dict)  # what numbers stand for: of `cell`, and of the columns
    _orders: dict[int, tuple[Ints, Ints, Ints]] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.campaign)

    @property
    def finer(self) -> tuple[str, ...]:
        """The tables that refine it, in their order."""
        return tuple(table for table in FINER if table in self.columns)

    @property
    def is_certainly_new(self) -> Bools:
        """Which rows no version before can have shown in any cell."""
        return self.arrived > 0

    @property
    def came_at(self) -> Ints:
        """The step at which each row was first seen, whether or not it is known what has shown it since."""
        return np.abs(self.arrived)

    @property
    def next_step(self) -> int:
        """The number of a step that is taken now."""
        return max(int(self.came_at.max(initial=0)), int(self.stepped.max(initial=0))) + 1

    def has_replacement(self) -> Bools:
        """Which rows are no longer current, and have one that stands for them now."""
        found = np.zeros(len(self), dtype=bool)
        found[self.replaces[self.replaces >= 0]] = True
        return found

    def is_moving_revenue(self) -> Bools:
        """By (row, model), whether a row has other revenue than the one that it replaces, or than nothing."""
        before = np.where((self.replaces >= 0)[:, None], self.amounts[self.replaces, :, REVENUE], 0.0)
        return self.amounts[:, :, REVENUE] != before

    def is_step(self, groups: Ints, comes: Bools, goes: Bools, stays: Bools, k: int) -> Bools:
        """By group, whether k buyers have something new in what comes, so that it may move and what goes with it.

        What is certainly new was never there, so it is in every difference to a version before. If only refunds have
        changed, no revenue of fewer than k buyers goes along. A group that becomes empty may do so: nothing is left.
        """
        change = self.count(groups, comes | goes)
        new = self.count(groups, comes & self.is_certainly_new)
        moves_revenue = self.gives & self.is_moving_revenue()
        revenue = self.count(groups, comes & self.is_certainly_new, moves_revenue)
        lost = self.count(groups, goes & ~self.has_replacement())
        left = self.count(groups, comes | stays)
        is_new = is_enough(new, k) & ~is_small(change, k) & ((new > 0) | (change == 0)).all(axis=1)
        quiet = (self.count(groups, comes, moves_revenue) == 0).all(axis=1) & ~is_small(lost, k)
        may = is_new & (is_enough(revenue, k) | quiet) & ~is_small(left, k)
        empties = (change > 0).any(axis=1) & (left == 0).all(axis=1) & ~is_small(change, k)
        return np.asarray(may | empties)

    def count(self, groups: Ints, rows: Bools, gives: Bools | None = None) -> Ints:
        """Distinct buyers by group (one more than the largest number) and model, of some rows."""
        given = self.gives if gives is None else gives
        order, key = self._sorted(groups)
        chosen = rows[order]
        mine = order[chosen]
        return _count_sorted(key[chosen], groups[mine], given[mine], _size(groups))

    def _sorted(self, groups: Ints) -> tuple[Ints, Ints]:
        """The rows by group and buyer, and what they are sorted by; sorting again and again is what would take time."""
        known = self._orders.get(id(groups))
        if known is None or known[0] is not groups:
            if len(self._orders) >= _REMEMBERED:
                self._orders.pop(next(iter(self._orders)))
            key = groups * (int(self.buyer.max(initial=0)) + 1) + self.buyer
            order = np.argsort(key, kind="stable")
            known = self._orders[id(groups)] = groups, order, key[order]
        return known[1:]


def count_buyers(groups: Ints, buyer: Ints, gives: Bools, size: int) -> Ints:
    """Distinct buyers, as an array of (group, model)."""
    key = groups * (int(buyer.max(initial=0)) + 1) + buyer
    order = np.argsort(key, kind="stable")
    return _count_sorted(key[order], groups[order], gives[order], size)


def _count_sorted(key: Ints, groups: Ints, gives: Bools, size: int) -> Ints:
    found = np.zeros((size, gives.shape[1]), dtype=np.int64)
    if not len(groups):
        return found
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    has = np.logical_or.reduceat(gives, starts, axis=0)
    of_buyer = groups[starts]
    for model in range(gives.shape[1]):
        found[:, model] = np.bincount(of_buyer[has[:, model]], minlength=size)
    return found


def is_enough(counts: Ints, k: int) -> Bools:
    """Whether groups have k buyers under every model that knows any, and some does."""
    return np.asarray(((counts == 0) | (counts >= k)).all(axis=1) & (counts > 0).any(axis=1))


def is_small(counts: Ints, k: int) -> Bools:
    """Whether groups have some buyers, and fewer than k, under any model."""
    return np.asarray(((counts > 0) & (counts < k)).any(axis=1))


def _size(groups: Ints) -> int:
    return int(groups.max()) + 1 if len(groups) else 0
