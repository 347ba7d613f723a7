"""What a step of a month leaves hidden in its tables: parts of cells, the sums they are hidden in, and the secrets.

Of a cell of the month that moves, its sum is published, and in the finer tables the parts of it that have k buyers. The
parts that have fewer are hidden in sums with others'. Which of them came at which step is seen in what versions differ
by: so every part and every sum is one of a step of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from quality.changes import OWN, REST, Bools, Floats, Ints, Month, count_buyers, is_small

View = tuple[Bools, tuple[Ints, ...]]  # some rows, and by what they are taken together
Views = Iterable[View]
Parts = Iterator[tuple[int, ...]]


@dataclass
class Hidden:
    """What cells that move have in which sums of one finer table that tell nothing of the cell alone.

    A sum is channel (other) of a column, with ``kin`` -1, or what a column shows together of one channel (of one
    segment, in the table of segments), whose number is its ``kin``: only its own cells can be in there. In the parts
    that :func:`shown_parts` gives, it is all that came to a column, and its ``kin`` is the column. A secret is a set of
    parts of one cell that rests on fewer than k buyers: of what came at a step, or at several in a row, to it or to one
    of its columns.
    """

    table: str
    cell: Ints  # of each part, its cell
    kin: Ints  # and whose sums it can be in besides channel (other)
    column: Ints
    arrived: Ints
    place: Ints  # its level in the table
    total: Ints  # and the sum that it is in
    amounts: Floats  # (part, model, measure)
    loose: Floats  # of that, what is in channel (other) of all other finer tables, so that they do not tell its step
    totals: Floats  # (sum, model, measure)
    loose_totals: Floats
    kin_of_total: Ints
    arrived_at_total: Ints
    secrets: list[Ints]  # the parts of each
    is_shown: bool = False  # whether the parts are of shown figures, so that only their steps can be others'


def hidden_parts(month: Month, table: str, levels: dict[str, Ints], k: int) -> Hidden | None:
    """The hidden parts of what moves in the month; `levels` are those after the step, by table."""
    is_segment, after, finer = table == "segment", levels["month"], levels[table]
    comes = month.is_current & (month.levels["month"] == REST)
    mine = comes & (after > REST) & (finer < OWN)
    if not mine.any():
        return None
    is_rest = finer == REST
    # What waits is in channel (other), too. What moved at earlier steps may be known by now: nothing hides behind it.
    in_sums = comes & (finer < OWN)
    kin = np.zeros(len(month), dtype=np.int64) if is_segment else month.channel
    column = np.where(is_rest & is_segment, 0, month.columns[table])
    sums = np.stack([np.where(is_rest, -1, kin), column, month.came_at], axis=1)
    cell = cells_of(month, table, after)
    rows = mine & (is_segment | (finer < after))
    views: Views = [(rows, (cell, column)), (rows, (cell,))]
    keys = np.stack([cell, kin, column, month.came_at, finer], axis=1)
    return _parts(month, table, levels, keys, sums, mine, in_sums, views, k)


def shown_parts(month: Month, table: str, levels: dict[str, Ints], k: int) -> Hidden | None:
    """The parts, by the step at which they came, of what a column shows of a cell, or of cells of a channel together.

    What came to a column at each step is published, so what of it is in a figure that took in several could come out.
    """
    after, finer, column = levels["month"], levels[table], month.columns[table]
    came = month.is_current & (month.levels["month"] == REST)
    mine = came & (after > REST) & (finer > REST)
    if table == "segment" or not mine.any() or len(np.unique(month.came_at[mine])) == 1:
        return None
    cell = cells_of(month, table, finer)
    sums = np.stack([column, column, month.came_at], axis=1)
    views: Views = [(mine, (cell, column))]
    keys = np.stack([cell, column, column, month.came_at, finer], axis=1)
    return _parts(month, table, levels, keys, sums, mine, came, views, k, is_shown=True)


def arrived_parts(month: Month, levels: dict[str, Ints], k: int) -> Hidden | None:
    """The parts of what a cell of the month shows, by the step at which they came."""
    after = levels["month"]
    came = month.is_current & (month.levels["month"] == REST)
    mine = came & (after > REST)
    if not mine.any() or len(np.unique(month.came_at[mine])) == 1:
        return None
    cell, one = cells_of(month, "month", after), np.zeros(len(month), dtype=np.int64)
    views: Views = [(mine, (cell,))]
    keys = np.stack([cell, one, one, month.came_at, after], axis=1)
    return _parts(month, "month", levels, keys, keys[:, 1:4], mine, came, views, k, is_shown=True)


def _parts(month: Month, table: str, levels: dict[str, Ints], keys: Ints, sums: Ints, mine: Bools, in_sums: Bools,
           views: Views, k: int, *, is_shown: bool = False) -> Hidden:  # fmt: skip
    total = np.zeros(len(month), dtype=np.int64)
    names, total[in_sums] = numbered(sums[in_sums])
    parts, part = numbered(np.column_stack([keys, total])[mine])
    amounts, summed = month.amounts, total[in_sums]
    is_loose = np.ones(len(month), dtype=bool)
    for other in month.finer:
        is_loose &= (levels[other] == REST) | (other == table)
    loose = amounts * is_loose[:, None, None]
    cell, kin, column, arrived, place, of_total = parts.T
    return Hidden(
        table, cell, kin, column, arrived, place, of_total,
        sums_by(part, amounts[mine], len(parts)), sums_by(part, loose[mine], len(parts)),
        sums_by(summed, amounts[in_sums], len(names)), sums_by(summed, loose[in_sums], len(names)),
        names[:, 0], names[:, 2], _secrets(month, views, part, mine, k, not month.finer), is_shown,
    )  # fmt: skip


def _secrets(month: Month, views: Views, part: Ints, mine: Bools, k: int, is_wide: bool) -> list[Ints]:
    """Of each view, what came to a group at a step, or up to one; if `is_wide`, between any two.

    Not where finer tables refine the month: that cost 300 orders up to twelve points of their named share at half time.
    """
    part_of, came = np.zeros(len(month), dtype=np.int64), month.came_at
    part_of[mine] = part
    found: set[tuple[int, ...]] = set()
    for rows, by in views:
        chosen = np.flatnonzero(rows)
        group = numbered(np.stack(by, axis=1)[chosen])[1]
        for first in np.unique(came[chosen]):
            since = came[chosen] >= first
            goes_on = np.full(int(group.max()) + 1, True)
            goes_on[group[~since]] = is_wide
            found.update(_secrets_since(month, chosen[since], group[since], part_of, k, goes_on))
    return [np.array(one) for one in sorted(found)]


def _secrets_since(month: Month, rows: Ints, group: Ints, part_of: Ints, k: int, goes_on: Bools) -> Parts:
    """What came to groups from the first step among some rows on until another one, while it rests on too few.

    Not beyond that first step for groups that do not go on.
    """
    arrived = month.came_at[rows]
    steps = np.unique(arrived)
    is_few = np.zeros(int(group.max()) + 1, dtype=bool)
    is_few[group[arrived == steps[0]]] = True
    for last in steps:
        until = is_few[group] & (arrived <= last)
        if not until.any():
            break
        some, of = rows[until], group[until]
        is_few = is_small(count_buyers(of, month.buyer[some], month.gives[some], len(is_few)), k)
        pairs = np.unique(np.stack([of, part_of[some]], axis=1)[is_few[of]], axis=0)
        parts = np.split(pairs[:, 1], np.flatnonzero(np.diff(pairs[:, 0])) + 1)
        yield from (tuple(map(int, one)) for one in parts if len(one))
        is_few &= goes_on[: len(is_few)]


def cells_of(month: Month, table: str, level: Ints) -> Ints:
    """A number for the cell in which each row stands at a level: a campaign, or (other) of a channel."""
    return month.channel if table == "segment" else np.where(level == OWN, month.campaign, -1 - month.channel)


def numbered(keys: Ints) -> tuple[Ints, Ints]:
    """The distinct rows of an array, and of each row the number of its own."""
    names, numbers = np.unique(keys, axis=0, return_inverse=True)
    return names, numbers.reshape(-1)


def sums_by(groups: Ints, amounts: Floats, size: int) -> Floats:
    """Sums of amounts by group, none below 0."""
    found = np.zeros((size, *amounts.shape[1:]))
    np.add.at(found, groups, amounts)
    return np.maximum(found, 0)
