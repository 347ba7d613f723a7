"""Small campaigns inside a merged cell of the month, which the days when nobody else of it bought could give away.

On a day on which a campaign is all that there is of its merged cell, the cell's day is the campaign's. If most of its
month falls on such days, money has to be able to move from them to days of the others (:mod:`quality.exchange`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from quality.disclosure import Cell, Credit, Table
from quality.exchange import SLACK, TINY, Bools, Floats


@dataclass(frozen=True)
class Lonely:
    """A campaign that cannot hide enough of its month among those that it is merged with on the same days."""

    model: int
    row: int
    columns: list[int]  # where it is alone, the largest first
    amounts: Floats  # (measure, column of these)
    needed: Floats  # what has to be able to move from there, by measure
    into: Bools  # columns of the others

    def short(self, table: Table, blocks: Any) -> Floats:
        """What cannot move, by measure."""
        moved = np.stack(
            [table.grid.movable(blocks, self.model, self.row, column, self.into) for column in self.columns], axis=1
        )
        # All columns exchange with the same cells: each may use its part of them, or one of them all.
        one, all_ = np.minimum(self.amounts, moved).max(axis=1), np.minimum(self.amounts, moved / len(self.columns))
        short: Floats = self.needed - np.maximum(one, all_.sum(axis=1))
        return short

    def protect(self, table: Table) -> None:
        """Hide larger cells until enough can move, or nothing more helps."""
        for column in self.columns:
            while (short := self.short(table, table.blocks())).max() > TINY:
                if not table.widen(self.model, self.row, column, int(short.argmax()), float(short.max()), self.into):
                    break


def lonely(table: Table, credits: Collection[Credit], row_of: Any) -> list[Lonely]:
    """The small campaigns of a table of days that have to be looked after, in a fixed order."""
    people: dict[tuple[str, Cell], frozenset[Any]] = defaultdict(frozenset)
    parts: dict[tuple[str, Cell], list[Credit]] = defaultdict(list)
    for one in credits:
        people[one.model, one.cell] |= one.buyers
        parts[one.model, one.cell].append(one)
    column_numbers = {column: i for i, column in enumerate(table.columns)}
    row_numbers = {key: i for i, (_, key) in enumerate(table.rows)}
    found = []
    for (name, cell), buyers in sorted(people.items()):
        if len(buyers) >= table.k:
            continue
        mine = sorted(parts[name, cell], key=lambda one: (-sum(one.amounts), one.column))
        model, row = table.models.index(name), row_numbers[row_of(mine[0])]
        columns = np.array([column_numbers[one.column] for one in mine])
        amounts = np.maximum(np.array([one.amounts for one in mine], dtype=float).T, 0)
        is_alone = table.member_count[model, row, columns] == 1
        # Where there is nobody else in the region either, the region's day tells, on purpose.
        is_total = table.member_count[model][:, columns].sum(axis=0) == 1
        needed = SLACK * amounts.sum(axis=1) - amounts[:, ~is_alone].sum(axis=1)
        if (needed > TINY).any() and (is_alone & ~is_total).any():
            others = table.member_count[model, row].copy()
            others[columns] -= 1
            free = is_alone & ~is_total
            found.append(Lonely(model, row, list(map(int, columns[free])), amounts[:, free], needed, others > 0))
    return found
