"""One step of a month in all its tables: what moves, what the finer tables show of it, and the proof of both."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import numpy as np

from quality.changes import OWN, REFUNDS, REST, REVENUE, Bools, Ints, Month
from quality.proof import Broken, Proof, refuted
from quality.refinement import refine
from quality.safe_map import safe_levels
from quality.steps import Steps, keep_company, none_of, possible_steps


@dataclass
class Stepped:
    """Levels in the month and the finer tables after a step, by table, and what the proof says of it."""

    levels: dict[str, Ints]
    proof: Proof


def step(month: Month, k: int, seconds: float = 60.0, stays: Bools | None = None) -> Stepped:
    """Take all steps that k buyers allow and the proof does not refuse; see :class:`_Repairs` for those that it does.

    If the time is over before the proof is done, nothing steps at all, or, where nothing was published yet and finer
    tables refine the month, the safe map holds: both need no proof, and the caller says so.

    Args:
        month: its arrays; they stay as they are.
        seconds: what the proof may take.
        stays: rows that wait for good, if there are any.
    """
    proof = Proof(deadline=monotonic() + seconds)
    stays = np.zeros(len(month), dtype=bool) if stays is None else stays
    if k <= 1:  # nothing else is hidden, and nothing waits
        return Stepped({table: np.where(month.is_current & ~stays, OWN, REST) for table in month.levels}, proof)
    steps, repairs = possible_steps(month, k, held=stays), _Repairs(month, stays)
    while True:
        levels = _settled(month, steps, k, repairs.closed)
        if not steps.is_any:
            break
        broken = refuted(month, levels, k, proof)
        if proof.is_fallen_back:
            is_first = not any(month.levels[table].any() for table in month.levels)
            still = _settled(month, none_of(month), k, repairs.closed)
            levels = safe_levels(month, k) if is_first and month.finer else still
            break
        if not broken:
            break
        proof.repaired += 1
        for one in broken:
            repairs.repair(one, levels, proof)
        steps = possible_steps(month, k, held=repairs.waits, merged=repairs.merged)
    kept = month.is_current & repairs.waits & ~stays & (levels["month"] == REST)
    proof.cost_cents = int(month.amounts[kept, :, REVENUE].sum(axis=0).max(initial=0))
    return Stepped(levels, proof)


class _Repairs:
    """What is done about cells that give something away, the first of these that is left.

    Of a cell whose refunds come out, the orders with a refund leave the finer table that tells of them; then they wait
    in channel (other) of the month, too. A finer table that tells another part of a cell shows nothing more of that
    cell at this step. A campaign joins (other) of its channel together with another one. Last, what is new of the cell
    waits in channel (other).
    """

    def __init__(self, month: Month, stays: Bools) -> None:
        self.month = month
        self.waits = stays.copy()
        self.merged = np.zeros(int(month.campaign.max(initial=-1)) + 1, dtype=bool)
        self.closed = {table: np.zeros(len(month), dtype=bool) for table in month.finer}
        self.has_refund = (month.amounts[:, :, REFUNDS] != 0).any(axis=1)

    def repair(self, one: Broken, levels: dict[str, Ints], proof: Proof) -> None:
        rows = one.rows & ~self.waits
        refunded = rows & self.has_refund & (one.measure == REFUNDS)
        shown = rows & (levels[one.table] > REST) & ~self.closed.get(one.table, rows)
        if (refunded & shown).any():
            self.closed[one.table] |= refunded
            proof.hidden_refunds += 1
        elif refunded.any():
            self.waits |= refunded
            proof.hidden_refunds += 1
        elif shown.any():
            self.closed[one.table] |= rows
            proof.closed_parts += 1
        elif self._merge(rows, levels["month"]):
            proof.merged_pairs += 1
        else:
            self.waits |= rows

    def _merge(self, rows: Bools, after: Ints) -> bool:
        """Have a campaign join (other) of its channel with the smallest other one that moves, if there is one."""
        mine = np.unique(self.month.campaign[rows])
        if len(mine) != 1 or self.merged[mine[0]] or not (after[rows] == OWN).all():
            return False
        channel = self.month.channel[np.flatnonzero(rows)[0]]
        moves = self.month.is_current & (self.month.levels["month"] == REST) & (after == OWN)
        sizes = self.month.count(self.month.campaign, moves & (self.month.channel == channel)).max(axis=1)
        sizes[mine[0]] = 0
        others = np.flatnonzero(sizes)
        if not len(others):
            return False
        self.merged[[mine[0], others[sizes[others].argmin()]]] = True
        return True


def _settled(month: Month, steps: Steps, k: int, closed: dict[str, Bools]) -> dict[str, Ints]:
    """The levels of all tables; rows that keep their month from showing days wait, and `closed` ones show no more."""
    if not month.finer:
        return {"month": steps.levels(month)}
    while True:
        after = steps.levels(month)
        days = refine(month, "day", after, k, closed["day"])
        if not days.waits.any():
            break
        steps.held |= days.waits
        keep_company(month, steps, k)
    others = (table for table in month.finer if table != "day")
    finer = {table: refine(month, table, after, k, closed[table]).levels for table in others}
    return {"month": after, "day": days.levels, **finer}
