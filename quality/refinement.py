"""What a step of a month shows in the finer tables: by day, by day of the touch, by segment.

Of what moves in a cell of the month, a column (a day, a segment) shows its part if it has k buyers; else the part
joins the others' of its channel there, if together they have k; else it stays in the column's channel (other). What of
a cell is not shown under its own name can be computed, by subtraction: so that has k buyers too, or is nothing. Where
it has fewer, the smallest part that is shown is hidden with it; of a cell that shows one day alone, the rest waits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.changes import CHANNEL, OWN, REST, Bools, Ints, Month, is_small


@dataclass
class Refined:
    """The levels in a finer table after a step, and the rows that had better wait, so that their month shows days."""

    levels: Ints
    waits: Bools


class _Table:
    """One finer table while it is decided what it shows."""

    def __init__(self, month: Month, table: str, after: Ints, k: int, closed: Bools) -> None:
        self.month, self.k, self.after = month, k, after
        self.is_segment = table == "segment"
        self.before = month.levels[table]
        of_month = month.levels["month"]
        self.comes = month.is_current & (of_month == REST) & (after > REST)
        goes = ~month.is_current & (after == REST)
        self.leaves = goes & (of_month > REST)  # in this step of the month
        self.may_go = goes & (self.before > REST)
        column = month.columns[table]
        self.column = column
        width = int(column.max(initial=-1)) + 1
        owner = month.channel if self.is_segment else month.campaign
        self.own = owner * width + column
        self.shared = column if self.is_segment else month.channel * width + column
        level = np.where(of_month > REST, of_month, after)
        self.cell = month.channel if self.is_segment else month.campaign
        self.kin = np.zeros(len(month), dtype=np.int64) if self.is_segment else month.channel
        self.has_own = np.full(len(month), True) if self.is_segment else level == OWN
        self.wants = self.comes & ~closed
        self.barred_own = np.zeros(int(self.own.max(initial=-1)) + 1, dtype=bool)
        self.barred_shared = np.zeros(int(self.shared.max(initial=-1)) + 1, dtype=bool)

    def levels(self) -> Ints:
        """What is shown, given what is barred."""
        after = self.before.copy()
        for level, group, wants, barred in (
            (OWN, self.own, self.wants & self.has_own, self.barred_own),
            (CHANNEL, self.shared, self.wants, self.barred_shared),
        ):
            goes = self.may_go & (self.before == level)
            wants = wants & (after == REST)
            stays = self.month.is_current & (self.before == level)
            moves = self.month.is_step(group, wants, goes, stays, self.k) & ~barred
            after[wants & moves[group]] = level
            after[goes & moves[group]] = REST
        return after

    def unshown(self, after: Ints) -> tuple[Bools, Bools]:
        """The rows that move in the month and are not shown by their own name, and those not even under their kin's.

        What a cell of the month is more than its parts that are shown can be computed, and what a channel is (all
        channels are, in the table of segments) more than its cells' parts and what it shows together.
        """
        was_own = (
            (self.before == OWN) if self.is_segment else (self.before == OWN) & (self.month.levels["month"] == OWN)
        )
        own = (self.comes & (after == OWN)) | (self.leaves & was_own & (after == REST))
        any_ = (self.comes & (after > REST)) | (self.leaves & (self.before > REST) & (after == REST))
        moves = self.comes | self.leaves
        return moves & self.has_own & ~own, moves & ~any_

    def unsafe(self, after: Ints) -> list[tuple[Bools, Bools, bool]]:
        """Sets of rows too small to be computed: the rows of the cell or channel, the set, and whether it is a cell."""
        found = []
        for group, hidden in zip((self.cell, self.kin), self.unshown(after), strict=True):
            is_cell = group is self.cell
            comes = hidden & self.comes & self.month.is_certainly_new
            new, all_ = (self.month.count(group, rows) for rows in (comes, hidden))
            small = is_small(all_, self.k) | is_small(new, self.k) | ((all_ > 0) & (new == 0)).any(axis=1)
            found += [(group == number, hidden, is_cell) for number in np.flatnonzero(small)]
        return found

    def unsafe_columns(self, after: Ints) -> Ints:
        """Columns in which something moves and too few would stay behind."""
        month = self.month
        moved = after != self.before
        column = np.zeros(len(month), dtype=np.int64) if self.is_segment else self.column
        behind = (month.is_current & (after == REST)) | (~month.is_current & (after > REST))
        has_moved = np.zeros(int(column.max(initial=-1)) + 1, dtype=bool)
        has_moved[column[moved]] = True
        return np.flatnonzero(is_small(month.count(column, behind), self.k) & has_moved)

    def bar_smallest(self, after: Ints, rows: Bools) -> bool:
        """Hide the smallest part that moves among some rows; returns whether there was one."""
        moved = rows & (after != self.before)
        found = []
        for level, group, barred in ((OWN, self.own, self.barred_own), (CHANNEL, self.shared, self.barred_shared)):
            of_level = moved & (np.maximum(after, self.before) == level)
            sizes = self.month.count(group, of_level).max(axis=1, initial=0)
            found += [(int(sizes[i]), level, int(i), barred) for i in np.flatnonzero(sizes)]
        if not found:
            return False
        _, _, number, barred = min(found, key=lambda one: one[:3])
        barred[number] = True
        return True


def refine(month: Month, table: str, after: Ints, k: int, closed: Bools) -> Refined:
    """What a finer table shows of a step of the month.

    Args:
        table: one of ``quality.changes.FINER``.
        after: the levels in the month after the step.
        closed: rows of which it is to show nothing more.
    """
    sketch = _Table(month, table, after, k, closed)
    waits = np.zeros(len(month), dtype=bool)
    while True:
        levels = sketch.levels()
        is_barred = False
        for mine, hidden, is_cell in sketch.unsafe(levels):
            shown = mine & sketch.has_own & (levels != sketch.before) & (np.maximum(levels, sketch.before) == OWN)
            if table == "day" and is_cell and len(np.unique(sketch.column[shown])) == 1:
                waits |= hidden & mine
            else:
                is_barred |= sketch.bar_smallest(levels, shown if shown.any() else mine)
        for column in sketch.unsafe_columns(levels):
            of_column = np.ones(len(month), dtype=bool) if sketch.is_segment else sketch.column == column
            is_barred |= sketch.bar_smallest(levels, of_column)
        if waits.any() or not is_barred:
            return Refined(levels, waits)
