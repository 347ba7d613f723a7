"""The safe map of a month that has never been published, for when the proof of its steps runs out of time.

It merges months until no column of touches could be held against them, by rules of :mod:`quality.disclosure` alone: it
names less than steps do, and needs no proof.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

import numpy as np

from quality.cells import carried_campaigns, daily_cells, month_cells, segment_cells, touch_cells
from quality.changes import CHANNEL, OWN, REST, Bools, Ints, Month
from quality.disclosure import OTHER, Cell, Credit


def safe_levels(month: Month, k: int) -> dict[str, Ints]:
    """Levels in the month and the finer tables, by table."""
    names = month.names
    cells: list[Cell] = [names["cell"][i] for i in month.campaign]
    columns = {table: [names[table][i] for i in numbers] for table, numbers in month.columns.items()}
    on = min(columns["day"]).replace(day=1)
    totals, days, touches, segments = (
        _credits(month, cells, column, on, k)
        for column in ([on] * len(month), columns["day"], columns["touch"], columns["segment"])
    )
    homes = month_cells(totals, days, touches, k)
    of_day = daily_cells(days, homes, k)
    of_segment = segment_cells(segments, homes, k)
    of_touch: dict[tuple[Any, Cell], Cell] = {}
    for first in sorted({one.column.replace(day=1) for one in touches}):
        mine = [one for one in touches if one.column.replace(day=1) == first]
        of_touch |= touch_cells(mine, carried_campaigns(touches, first, k), {on: homes}, k)
    levels = {"month": [_level(cell, homes.get(cell)) for cell in cells]}
    for table, places in (("day", of_day), ("touch", of_touch)):
        levels[table] = [
            _level(cell, places.get((column, cell))) for cell, column in zip(cells, columns[table], strict=True)
        ]
    levels["segment"] = [
        _segment_level(segment, cell, of_segment.get((segment, cell)))
        for cell, segment in zip(cells, columns["segment"], strict=True)
    ]
    return {table: np.where(month.is_current, found, REST).astype(np.int64) for table, found in levels.items()}


def _level(cell: Cell, place: Cell | None) -> int:
    if place == cell:
        return OWN
    return CHANNEL if place == (cell[0], OTHER) else REST


def _segment_level(segment: str, cell: Cell, place: tuple[str, str] | None) -> int:
    if place is None or place[0] != segment:
        return REST
    return OWN if place[1] == cell[0] else CHANNEL


def _credits(month: Month, cells: list[Cell], column: list[Any], on: date, k: int) -> list[Credit]:
    """Credits by campaign, column and model, with as many buyers as tell whether there are k."""
    rows: dict[tuple[Cell, Any], list[int]] = defaultdict(list)
    for i in np.flatnonzero(month.is_current):
        rows[cells[i], column[i]].append(int(i))
    found = []
    for (cell, where), mine in sorted(rows.items()):
        for model in range(month.gives.shape[1]):
            given: Bools = month.gives[mine, model]
            buyers = np.unique(month.buyer[mine][given])
            if len(buyers):
                amounts = tuple(map(int, month.amounts[mine, model].sum(axis=0)))
                some = frozenset(map(int, buyers[:k]))
                found.append(Credit(cell, where, on, str(model), some, len(buyers), amounts))
    return found
