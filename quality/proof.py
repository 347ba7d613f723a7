"""The proof of small cells: what an intruder could tell of what a step leaves hidden, from all tables together.

A hidden part (:mod:`quality.hidden`) is safe if money could be exchanged with others of the same sums, so that all
published totals of all tables stay what they are, and it would be at least ``WITHIN`` less or more. The tables of days,
days of touches and segments count the same money, so they tell of each other what came to a cell at which step, and
nothing else. An exchange therefore is between parts of one step, whose steps' sums stay what they are, or of money that
is in channel (other) of all other tables as well. Where neither shows a part to be safe, a linear programme over the
sums of all tables decides (:mod:`quality.programme`).

Tables that divide the same money by other questions (currencies) share no more with these than the region's totals,
which are published, so they can't tell of what is hidden here. Those that divide a cell of these do: they are made of
what that cell shows (:mod:`quality.divisions`). Of each, what its parts took in at which step is proved by itself: no
table refines such a month, and what all its parts come to is published.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from quality.changes import REFUNDS, REST, Bools, Floats, Ints, Month
from quality.hidden import Hidden, arrived_parts, cells_of, hidden_parts, numbered, shown_parts, sums_by
from quality.programme import Programme

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
    closed_parts: int = 0  # cells of which a finer table shows nothing more at this step
    merged_pairs: int = 0  # campaigns that joined (other) of their channel with another
    is_fallen_back: bool = False
    cost_cents: int = 0  # revenue that repairs keep in channel (other), under the model where it is most
    deadline: float = field(default=float("inf"), repr=False)

    @property
    def is_late(self) -> bool:
        return monotonic() > self.deadline


@dataclass(frozen=True)
class Broken:
    """A cell of which something comes out: the table that tells it, the cell's rows that move, and what measure."""

    table: str
    rows: Bools
    measure: int


def refuted(month: Month, levels: dict[str, Ints], k: int, proof: Proof) -> list[Broken]:
    """The cells of which something comes out by these levels."""
    if len(np.unique(month.campaign)) == 1:
        return []  # of one campaign alone the region's totals tell, on purpose
    comes = month.is_current & (month.levels["month"] == REST) & (levels["month"] > REST)
    programme, found = Programme(month, levels), []
    for hidden in _all_hidden(month, levels, k):
        cells = cells_of(month, hidden.table, levels[hidden.table if hidden.is_shown else "month"])
        found += [
            Broken(hidden.table, (cells == cell) & comes, measure)
            for cell, measure in broken_cells(hidden, programme, proof).items()
        ]
    return found


def _all_hidden(month: Month, levels: dict[str, Ints], k: int) -> Iterator[Hidden]:
    found = [parts(month, table, levels, k) for table in month.finer for parts in (hidden_parts, shown_parts)]
    yield from (one for one in (*found, arrived_parts(month, levels, k)) if one)


def broken_cells(hidden: Hidden, programme: Programme, proof: Proof) -> dict[int, int]:
    """The cells of which something comes out, as :class:`Hidden` numbers them, and of which measure."""
    safe = has_exchange(hidden)
    risky = np.flatnonzero(~safe.all(axis=(1, 2)))
    proof.looked_at += len(hidden.secrets)
    proof.at_risk += len(risky)
    broken: dict[int, int] = {}
    for number in risky:
        if proof.is_late:
            proof.is_fallen_back = True
            break
        parts = hidden.secrets[number]
        cell = int(hidden.cell[parts[0]])
        if broken.get(cell, REFUNDS) == REFUNDS:
            measure = _comes_out(hidden, parts, ~safe[number], programme, proof)
            if measure is not None:
                broken[cell] = measure
    proof.found += len(broken)
    return broken


def _comes_out(hidden: Hidden, parts: Ints, risky: Bools, programme: Programme, proof: Proof) -> int | None:
    """The measure that comes out under some model, refunds last; None if none does."""
    for model, measure in sorted(np.argwhere(risky).tolist(), key=lambda one: (one[1] == REFUNDS, one[1], one[0])):
        true = float(hidden.amounts[parts, model, measure].sum())
        proof.programmes += 1
        if not programme.could_be_other(hidden, parts, model, measure, WITHIN * true + _TINY):
            return int(measure)
    return None


def has_exchange(hidden: Hidden) -> Bools:
    """By (secret, model, measure), whether exchanges show that it could be less or more, or it is nothing."""
    count = len(hidden.secrets)
    secret = np.repeat(np.arange(count), [len(one) for one in hidden.secrets])
    parts = np.concatenate(hidden.secrets) if count else np.zeros(0, dtype=np.int64)
    aim = _SLACK * sums_by(secret, hidden.amounts[parts], count)
    safe = aim <= _SLACK * _TINY
    anywhere = np.zeros(len(hidden.cell), dtype=np.int64), np.zeros(len(hidden.kin_of_total), dtype=np.int64)
    safe |= _movable(hidden, secret, parts, hidden.loose, hidden.loose_totals, *anywhere) >= aim
    if not hidden.is_shown:  # of a shown figure, an exchange of one step would show
        of_step = hidden.arrived, hidden.arrived_at_total
        safe |= _movable(hidden, secret, parts, hidden.amounts, hidden.totals, *of_step) >= aim
    return np.asarray(safe)


def _movable(hidden: Hidden, secret: Ints, parts: Ints, amounts: Floats, totals: Floats, steps: Ints,
             steps_of_total: Ints) -> Floats:  # fmt: skip
    """How much less or more each secret could be by exchanges of parts and sums of the same steps."""
    flat = (slice(None), None, None)
    steps = np.unique(np.r_[steps, steps_of_total], return_inverse=True)[1]
    width = int(steps.max(initial=0)) + 1  # a sum may be of a later step than all parts
    steps, steps_of_total = steps[: len(hidden.cell)], steps[len(hidden.cell) :]
    pairs, pair = numbered(np.stack([secret, steps[parts]], axis=1))
    first = np.zeros(len(pairs), dtype=np.int64)
    first[pair] = parts
    is_rest = hidden.kin_of_total[hidden.total] == -1
    owner = numbered(np.stack([hidden.cell, hidden.kin, steps], axis=1))[1]
    in_rest, in_shared = (
        sums_by(owner, amounts * which[flat], int(owner.max()) + 1)[owner][first] for which in (is_rest, ~is_rest)
    )
    kins = int(max(hidden.kin.max(), hidden.kin_of_total.max())) + 2
    by_kin = sums_by((hidden.kin_of_total + 1) * width + steps_of_total, totals, kins * width)
    kin_in_rest = sums_by(hidden.kin * width + steps, amounts * is_rest[flat], kins * width)
    part = sums_by(pair, amounts[parts], len(pairs))
    others = sums_by(pair, totals[hidden.total[parts]], len(pairs)) - part  # in the same sums
    only_rest = np.ones(int(secret.max(initial=-1)) + 1, dtype=bool)
    np.logical_and.at(only_rest, secret, is_rest[parts])
    alone, kin = only_rest[pairs[:, 0]][flat], hidden.kin[first]
    shared = by_kin[(kin + 1) * width + pairs[:, 1]] - in_shared
    rest = np.where(alone, by_kin[pairs[:, 1]], kin_in_rest[kin * width + pairs[:, 1]])
    mine = np.where(alone, in_rest, in_rest + in_shared) - part
    elsewhere = rest - in_rest + shared - others
    less, more = (
        sums_by(pairs[:, 0], np.minimum(*both), len(only_rest)) for both in ((part, elsewhere), (mine, others))
    )
    return np.maximum(less, more)


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
