"""One step of a month in all its tables: what moves, what the finer tables show of it, and the proof of both."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import numpy as np

from quality.changes import FINER, OWN, REFUNDS, REST, REVENUE, Bools, Ints, Month
from quality.proof import Proof, broken_cells, cells_of, hidden_parts, shown_parts
from quality.refinement import refine
from quality.safe_map import safe_levels
from quality.steps import Steps, keep_company, none_of, possible_steps


@dataclass
class Stepped:
    """Levels in the month and the finer tables after a step, by table, and what the proof says of it."""

    levels: dict[str, Ints]
    proof: Proof


def step(month: Month, k: int, seconds: float = 60.0) -> Stepped:
    """Take all steps that k buyers allow and the proof does not refuse.

    Of a cell whose refunds give a hidden part away, the orders with a refund wait in channel (other); a cell that gives
    one away without them waits there as a whole. If the time is over before the proof is done, nothing
    steps at all, or, where nothing was published yet, the safe map holds: both need no proof, and the caller says so.

    Args:
        month: its arrays; they stay as they are.
        seconds: what the proof may take.
    """
    proof = Proof(deadline=monotonic() + seconds)
    if k <= 1:  # nothing is hidden, and nothing waits
        return Stepped({table: np.where(month.is_current, OWN, REST) for table in month.levels}, proof)
    steps = possible_steps(month, k)
    refused = np.zeros(len(month), dtype=bool)
    while True:
        levels = _settled(month, steps, k)
        if not steps.is_any:
            break
        by_refunds, broken = _refuted(month, levels, k, proof)
        if proof.is_fallen_back:
            is_first = not any(month.levels[table].any() for table in month.levels)
            levels = safe_levels(month, k) if is_first else _settled(month, none_of(month), k)
            break
        if not (by_refunds | broken).any():
            break
        proof.repaired += 1
        refunded = by_refunds & _has_refund(month) & ~refused
        proof.hidden_refunds += int(refunded.any())
        refused |= broken | (refunded if refunded.any() else by_refunds)
        steps = possible_steps(month, k, held=refused)
    kept = month.is_current & refused & (levels["month"] == REST)
    proof.cost_cents = int(month.amounts[kept, :, REVENUE].sum(axis=0).max(initial=0))
    return Stepped(levels, proof)


def _settled(month: Month, steps: Steps, k: int) -> dict[str, Ints]:
    """The levels of all tables; rows that keep their month from showing days wait."""
    while True:
        after = steps.levels(month)
        days = refine(month, "day", after, k)
        if not days.waits.any():
            break
        steps.held |= days.waits
        keep_company(month, steps, k)
    finer = {table: refine(month, table, after, k).levels for table in FINER if table != "day"}
    return {"month": after, "day": days.levels, **finer}


def _has_refund(month: Month) -> Bools:
    return np.asarray((month.amounts[:, :, REFUNDS] != 0).any(axis=1))


def _refuted(month: Month, levels: dict[str, Ints], k: int, proof: Proof) -> tuple[Bools, Bools]:
    """The rows of the cells of which refunds come out, says the proof, and of those of which something else does."""
    after = levels["month"]
    by_refunds, broken = np.zeros(len(month), dtype=bool), np.zeros(len(month), dtype=bool)
    for table in FINER:
        if len(np.unique(month.campaign)) == 1:
            continue  # of one campaign alone the region's totals tell, on purpose
        comes = (month.levels["month"] == REST) & (after > REST)
        for parts, level in ((hidden_parts, after), (shown_parts, levels[table])):
            hidden = parts(month, table, after, levels[table], k)
            if hidden is None:
                continue
            cells = cells_of(month, table, level)
            for cell, measure in broken_cells(hidden, proof).items():
                found = by_refunds if measure == REFUNDS else broken
                found |= (cells == cell) & comes
    return by_refunds, broken
