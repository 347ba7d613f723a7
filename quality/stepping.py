"""One step of a month in all its tables: what moves, what the finer tables show of it, and the proof of both."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import numpy as np

from quality.changes import FINER, OWN, REST, Bools, Ints, Month
from quality.proof import Proof, broken_cells, hidden_parts, shown_parts
from quality.refinement import refine
from quality.safe_map import safe_levels
from quality.steps import Steps, keep_company, none_of, possible_steps

LINEAR, REVENUE = "linear", 0


@dataclass
class Stepped:
    """Levels in the month and the finer tables after a step, by table, and what the proof says of it."""

    levels: dict[str, Ints]
    proof: Proof


def step(month: Month, k: int, seconds: float = 60.0) -> Stepped:
    """Take all steps that k buyers allow and the proof does not refuse.

    A cell that gives a hidden part away waits in channel (other). If the time is over before the proof is done, nothing
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
        broken = _refuted(month, levels, k, proof)
        if proof.is_fallen_back:
            is_first = not any(month.levels[table].any() for table in month.levels)
            levels = safe_levels(month, k) if is_first else _settled(month, none_of(month), k)
            break
        if not broken.any():
            break
        proof.repaired += 1
        refused |= broken
        steps = possible_steps(month, k, held=refused)
    proof.cost_cents = int(month.amounts[refused & (levels["month"] == REST), :, REVENUE].max(axis=1, initial=0).sum())
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


def _refuted(month: Month, levels: dict[str, Ints], k: int, proof: Proof) -> Bools:
    """The rows of the cells of which the proof says that something comes out."""
    after = levels["month"]
    broken = np.zeros(len(month), dtype=bool)
    for table in FINER:
        if len(np.unique(month.campaign)) == 1:
            continue  # of one campaign alone the region's totals tell, on purpose
        cells = month.channel if table == "segment" else np.where(after == OWN, month.campaign, -1 - month.channel)
        comes = (month.levels["month"] == REST) & (after > REST)
        for parts in (hidden_parts, shown_parts):
            hidden = parts(month, table, after, levels[table], k)
            if hidden is not None:
                broken |= np.isin(cells, list(broken_cells(hidden, proof))) & comes
    return broken
