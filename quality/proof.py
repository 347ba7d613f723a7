"""The proof of small cells: what an intruder could tell of what a step leaves hidden, by linear programmes.

Of a cell of the month that moves, its sum is published, and in the finer tables the parts of it that have k buyers. The
parts that have fewer are hidden in sums with others'. Such a part is safe if money could be exchanged with others of
the same sums, so that all published totals stay what they are, and it would be at least ``WITHIN`` less or more. Where
no single exchange shows that, a linear programme over the sums decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from time import monotonic
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

from quality.changes import OWN, REFUNDS, REST, Bools, Floats, Ints, Month, count_buyers, is_small

Views = Iterable[tuple[Bools, tuple[Ints, ...]]]
WITHIN = 0.10
_SLACK = 0.12  # of what an exchange has to move; more than WITHIN, for the rounding of cents
_TINY = 1e-6


@dataclass
class Proof:
    """What a build looked at in one month, found and repaired."""

    looked_at: int = 0
    at_risk: int = 0  # what no single exchange shows to be safe
    programmes: int = 0
    found: int = 0
    repaired: int = 0
    hidden_refunds: int = 0  # repairs that let a cell's orders with a refund wait, and no others
    is_fallen_back: bool = False
    cost_cents: int = 0  # revenue that repairs keep in channel (other), under the model where it is most
    deadline: float = field(default=float("inf"), repr=False)

    @property
    def is_late(self) -> bool:
        return monotonic() > self.deadline


@dataclass
class Hidden:
    """What cells that move have in which sums of one finer table that hide some of it.

    A sum is channel (other) of a column on one day of arrival, with ``kin`` -1, or what a column shows together of one
    channel (of one segment, in the table of segments), whose number is its ``kin``: only its own cells can be in there.
    A secret is a set of parts of one cell that rests on fewer than k buyers: of a column, of what came at a step, or up
    to it, or of both.
    """

    cell: Ints  # of each part, its cell of the month
    kin: Ints  # and whose sums it can be in besides channel (other)
    total: Ints  # and the sum that it is in
    amounts: Floats  # (part, model, measure)
    totals: Floats  # (sum, model, measure)
    kin_of_total: Ints
    secrets: list[Ints]  # the parts of each
    is_open: bool = False  # whether what waits can be in any sum, not in channel (other) alone


def hidden_parts(month: Month, table: str, after: Ints, finer: Ints, k: int) -> Hidden | None:
    """The hidden parts of what moves in the month.

    Args:
        after: the levels in the month after the step.
        finer: the levels in the finer table after the step.
    """
    is_segment = table == "segment"
    mine = month.is_current & (month.levels["month"] == REST) & (after > REST) & (finer < OWN)
    if not mine.any():
        return None
    is_rest = finer == REST
    kin = np.zeros(len(month), dtype=np.int64) if is_segment else month.channel
    # What is in channel (other) shows by the day it came; what moves out of it with others, as one sum.
    # What moved at earlier steps may be known by now, so nothing is taken to hide behind it.
    in_sums = month.is_current & (month.levels["month"] == REST) & (finer < OWN) & (is_rest | (after > REST))
    column = np.where(is_rest & is_segment, 0, month.columns[table])
    arrived = np.where(is_rest, month.arrived, 0)
    keys = np.stack([np.where(is_rest, -1, kin), column, arrived], axis=1)
    total = np.zeros(len(month), dtype=np.int64)
    names, total[in_sums] = _numbered(keys[in_sums])
    cell = cells_of(month, table, after)
    pairs, part = _numbered(np.stack([cell, kin, total], axis=1)[mine])
    views = _views(cell, column, arrived, mine & (is_segment | (finer < after)))
    return Hidden(
        pairs[:, 0], pairs[:, 1], pairs[:, 2], _sums(part, month.amounts[mine], len(pairs)),
        _sums(total[in_sums], month.amounts[in_sums], len(names)), names[:, 0],
        _secrets(month, views, part, mine, k),
    )  # fmt: skip


def shown_parts(month: Month, table: str, after: Ints, finer: Ints, k: int) -> Hidden | None:
    """The parts, by the step at which they came, of what a column shows of a cell, or of cells of a channel together.

    What came to a column at each step is published, so what of it is in a figure that took in several could come out.
    """
    came = month.is_current & (month.levels["month"] == REST)
    mine = came & (after > REST) & (finer > REST)
    if table == "segment" or not mine.any() or len(np.unique(month.arrived[mine])) == 1:
        return None
    column = month.columns[table]
    total = np.zeros(len(month), dtype=np.int64)
    names, total[came] = _numbered(np.stack([column, month.arrived], axis=1)[came])
    cell = cells_of(month, table, finer)
    pairs, part = _numbered(np.stack([cell, column, total], axis=1)[mine])
    views = [(mine, (cell, total))]
    views += [(mine & (month.arrived <= step), (cell, column)) for step in np.unique(month.arrived[mine])[:-1]]
    return Hidden(
        pairs[:, 0], pairs[:, 1], pairs[:, 2], _sums(part, month.amounts[mine], len(pairs)),
        _sums(total[came], month.amounts[came], len(names)), names[:, 0],
        _secrets(month, views, part, mine, k), is_open=True,
    )  # fmt: skip


def _secrets(month: Month, views: Views, part: Ints, mine: Bools, k: int) -> list[Ints]:
    found: set[tuple[int, ...]] = set()
    for rows, by in views:
        of_secret, number = _numbered(np.stack(by, axis=1)[rows])
        small = is_small(count_buyers(number, month.buyer[rows], month.gives[rows], len(of_secret)), k)
        pairs = np.unique(np.stack([number, part[rows[mine]]], axis=1)[small[number]], axis=0)
        some = np.split(pairs[:, 1], np.flatnonzero(np.diff(pairs[:, 0])) + 1)
        found |= {tuple(map(int, one)) for one in some if len(one)}
    return [np.array(one) for one in sorted(found)]


def _views(cell: Ints, column: Ints, arrived: Ints, rows: Bools) -> Views:
    """The ways to look at what is hidden: some rows, and by what they are taken together."""
    yield rows, (cell, column, arrived)
    yield rows, (cell, arrived)
    for step in np.unique(arrived[rows]):
        until = rows & (arrived <= step)
        yield until, (cell, column)
        yield until, (cell,)


def cells_of(month: Month, table: str, level: Ints) -> Ints:
    """A number for the cell in which each row stands at a level: a campaign, or (other) of a channel."""
    return month.channel if table == "segment" else np.where(level == OWN, month.campaign, -1 - month.channel)


def _numbered(keys: Ints) -> tuple[Ints, Ints]:
    names, numbers = np.unique(keys, axis=0, return_inverse=True)
    return names, numbers.reshape(-1)


def _sums(groups: Ints, amounts: Floats, size: int) -> Floats:
    found = np.zeros((size, *amounts.shape[1:]))
    np.add.at(found, groups, amounts)
    return np.maximum(found, 0)


def has_exchange(hidden: Hidden) -> Bools:
    """Of each secret, whether one exchange with others shows that it could be less, or more."""
    secret = np.repeat(np.arange(len(hidden.secrets)), [len(one) for one in hidden.secrets])
    parts = np.concatenate(hidden.secrets) if hidden.secrets else np.zeros(0, dtype=np.int64)
    first = np.array([one[0] for one in hidden.secrets], dtype=np.int64)
    count = len(hidden.secrets)
    is_rest = hidden.kin_of_total[hidden.total] == -1
    flat = (slice(None), None, None)
    owner = _numbered(np.stack([hidden.cell, hidden.kin], axis=1))[1]
    of_owner = [
        _sums(owner, hidden.amounts * which[flat], int(owner.max()) + 1)[owner] for which in (is_rest, ~is_rest)
    ]
    in_rest, in_shared = of_owner[0][first], of_owner[1][first]
    kins = int(max(hidden.kin.max(), hidden.kin_of_total.max())) + 2
    totals = _sums(hidden.kin_of_total + 1, hidden.totals, kins)
    kin_in_rest = _sums(hidden.kin, hidden.amounts * is_rest[flat], kins)
    part = _sums(secret, hidden.amounts[parts], count)
    others = _sums(secret, hidden.totals[hidden.total[parts]], count) - part  # in the same sums
    only_rest = np.ones(count, dtype=bool)
    np.logical_and.at(only_rest, secret, is_rest[parts])
    shared = totals[hidden.kin[first] + 1] - in_shared
    rest = np.where(only_rest[flat], totals[0], kin_in_rest[hidden.kin[first]])
    mine = np.where(only_rest[flat], in_rest, in_rest + in_shared) - part
    return can_be_elsewhere(part, others, rest - in_rest + shared - others, mine)


def can_be_elsewhere(part: Floats, others: Floats, elsewhere: Floats, mine: Floats) -> Bools:
    """Whether parts can differ by more than WITHIN by an exchange, or are nothing, in each model and measure.

    Args:
        part: what is secret; its shape is (part, model, measure).
        others: what of others is in the same sum.
        elsewhere: what of others is in other sums, and could be in this one.
        mine: what the part's owner has in other sums, in which the others could be.
    """
    aim = _SLACK * part
    safe = (part <= _TINY) | (elsewhere >= aim) | ((mine >= aim) & (others >= aim))
    return np.asarray(safe.all(axis=(1, 2)))


def broken_cells(hidden: Hidden, proof: Proof) -> dict[int, int]:
    """The cells of the month of which something comes out, as :class:`Hidden` numbers them, and of which measure."""
    proof.looked_at += len(hidden.secrets)
    risky = np.flatnonzero(~has_exchange(hidden))
    proof.at_risk += len(risky)
    broken: dict[int, int] = {}
    for number in risky:
        if proof.is_late:
            proof.is_fallen_back = True
            break
        parts = hidden.secrets[number]
        cell = int(hidden.cell[parts[0]])
        if broken.get(cell, REFUNDS) == REFUNDS and (measure := _comes_out(hidden, parts, proof)) is not None:
            broken[cell] = measure
    proof.found += len(broken)
    return broken


def _comes_out(hidden: Hidden, parts: Ints, proof: Proof) -> int | None:
    """The measure that comes out under some model, refunds last; None if none does."""
    models, measures = range(hidden.amounts.shape[1]), range(hidden.amounts.shape[2])
    for measure, model in product(sorted(measures, key=lambda one: one == REFUNDS), models):
        true = hidden.amounts[parts, model, measure].sum()
        if true > _TINY:
            proof.programmes += 1
            low, high = bounds(hidden, parts, model, measure)
            if low >= (1 - WITHIN) * true - _TINY and high <= (1 + WITHIN) * true + _TINY:
                return measure
    return None


def bounds(hidden: Hidden, parts: Ints, model: int, measure: int) -> tuple[float, float]:
    """The least and the most that some parts of a cell can be, given all sums and what each cell has in them."""
    owners, owner = _numbered(np.stack([hidden.cell, hidden.kin], axis=1))
    of_owner = _sums(owner, hidden.amounts[:, model, measure], len(owners))
    of_total = hidden.totals[:, model, measure]
    may_be = (hidden.kin_of_total == -1) | (hidden.kin_of_total == owners[:, 1][:, None])
    rows, columns = np.nonzero(may_be)
    # What waits is in channel (other) too, and nowhere else; its parts are free.
    free = np.flatnonzero((hidden.kin_of_total == -1) | hidden.is_open)
    count, unknown = len(rows) + len(free), np.arange(len(rows) + len(free))
    by_owner: Any = coo_array((np.ones(len(rows)), (rows, unknown[: len(rows)])), shape=(len(owners), count))
    by_total: Any = coo_array((np.ones(count), (np.r_[columns, free], unknown)), shape=(len(of_total), count))
    scale = max(float(of_total.max()), 1.0)
    aim = ((rows == owner[parts[0]]) & np.isin(columns, hidden.total[parts])).astype(float)
    aim = np.r_[aim, np.zeros(len(free))]
    found = []
    for sign in (1, -1):
        result = linprog(
            sign * aim, A_eq=vstack([by_owner, by_total]).tocsr(), b_eq=np.r_[of_owner, of_total] / scale,
            bounds=(0, None), method="highs", options={"time_limit": 10.0},
        )  # fmt: skip
        found.append(float(sign * result.fun * scale) if result.status == 0 else None)
    low, high = found
    return (low if low is not None else 0.0), (high if high is not None else float("inf"))
