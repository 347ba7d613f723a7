"""The maps of cells of the published tables: for months, and for what refines them (:mod:`quality.disclosure`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from operator import add
from typing import Any

import numpy as np

from quality.disclosure import OTHER, REST, Cell, Credit, Table
from quality.exchange import TINY
from quality.members import lonely

Cells = Mapping[Cell, Cell]


def month_cells(
    totals: Collection[Credit], days: Collection[Credit], touches: Collection[Credit], k: int
) -> dict[Cell, Cell]:
    """Where each campaign of a month may be published.

    Args:
        totals: credits of the month's orders, in a single column.
        days: the same by day of the order.
        touches: the same by day of the touch (in that month or before).
    """
    month = Table(totals, k, line_of=lambda one: one.cell, row_of=lambda one: one.cell)
    column = next(iter(month.columns), None)
    while True:
        cells = {cell: month.published(cell, cell, column) for cell in month.lines}
        sizes: dict[Cell, float] = defaultdict(float)
        for cell, size in zip(month.lines, month.size[:, 0] if len(month.lines) else (), strict=True):
            sizes[cells[cell]] += float(size)
        joined: set[Cell] = set()
        for pair in _lacking_company(cells, days, touches, sizes, k):
            if joined.isdisjoint(pair):
                joined |= pair
                one, other = pair
                month.hide([cell for cell in cells if cells[cell] in pair], is_own=one[0] == other[0])
        if not joined:
            return cells


def _lacking_company(
    cells: Cells,
    days: Collection[Credit],
    touches: Collection[Credit],
    sizes: Mapping[Cell, float],
    k: int,
) -> Iterator[set[Cell]]:
    """Pairs of cells of the month to merge: one holds what could be computed even if days showed only totals."""
    for credits in (days, touches):
        table = _refined(credits, cells, k)
        months = np.array([column.replace(day=1) for column in table.columns])
        exposed = [one for month in sorted(set(months)) for one in table.exposed_at_best(months == month)]
        if credits is days:
            one_block = np.zeros(table.targets.shape[1:], dtype=np.int64)
            alone = lonely(table, days, lambda one: cells[one.cell])
            exposed += [
                (one.model, one.row, one.columns[0]) for one in alone if one.short(table, one_block).max() > TINY
            ]
        for model, row, column in exposed:
            mine = table.lines[table.line_of_row[row]]
            others = {table.lines[i] for i in table.line_of_row[table.grid.is_bought[model, :, column]]} - {mine}
            if others:
                yield {mine, min(others, key=lambda one: (one[0] != mine[0], sizes[one], one))}


def _refined(credits: Collection[Credit], cells: Cells, k: int) -> Table:
    return Table(credits, k, line_of=lambda one: cells[one.cell], row_of=lambda one: cells[one.cell])


def daily_cells(
    days: Collection[Credit], cells: Cells, k: int, *, is_plain: bool = False
) -> dict[tuple[Any, Cell], Cell]:
    """Where each campaign's credit of a day may be published, by (day, campaign).

    Args:
        days: the credits of a month's orders by day.
        cells: the month's map.
        is_plain: merge to k buyers and do no more; to measure what protection adds.
    """
    table = _refined(days, cells, k)
    if not is_plain:
        table.protect()
        for one in lonely(table, days, lambda one: cells[one.cell]):
            one.protect(table)
    places = {(one.column, one.cell) for one in days}
    return {(day, cell): table.published(cell, cells[cell], day) for day, cell in sorted(places)}


def touch_cells(
    touches: Collection[Credit],
    carried: Collection[Cell],
    cells: Mapping[Any, Cells],
    k: int,
    *,
    is_plain: bool = False,
) -> dict[tuple[Any, Cell], Cell]:
    """Where each campaign's credit of a touch's day may be published, by (day, campaign).

    Args:
        touches: credits of a month's touches, of orders of that month and later ones.
        carried: what :func:`carried_campaigns` says of this month; they do not stand.
        cells: the maps of the months of the orders; what a map lacks, since its day was withheld, goes to the rest.
    """
    homes: dict[Cell, set[Cell]] = defaultdict(set)
    for one in touches:
        homes[one.cell].add(cells[one.month].get(one.cell, REST))

    def line_of(one: Credit) -> Cell:
        if REST in homes[one.cell]:
            return REST
        return one.cell if homes[one.cell] == {one.cell} else (one.cell[0], OTHER)

    table = Table(touches, k, line_of, lambda one: (cells[one.month].get(one.cell, REST), one.month), hide=carried)
    if not is_plain:
        table.protect()
    lines = {(one.column, one.cell): line_of(one) for one in touches}
    return {place: table.published(place[1], line, place[0]) for place, line in sorted(lines.items())}


def carried_campaigns(touches: Iterable[Credit], month: Any, k: int) -> set[Cell]:
    """Campaigns that fewer than k buyers carried from touches in one month into orders of another; `month` is either.

    A campaign's month of orders less its month of touches tells what was carried, so such a campaign must not stand.
    """
    buyers: dict[tuple[Any, ...], frozenset[Any]] = defaultdict(frozenset)
    for one in touches:
        touched = one.column.replace(day=1)
        if touched != one.month and month in (touched, one.month):
            buyers[one.cell, touched, one.month, one.model] |= one.buyers
    return {key[0] for key, people in buyers.items() if len(people) < k}


def segment_cells(
    segments: Collection[Credit], cells: Cells, k: int, *, is_plain: bool = False
) -> dict[tuple[str, Cell], tuple[str, str]]:
    """The segment and channel under which a campaign's credit of a month's segment may be published.

    Args:
        segments: credits of a month's orders; the columns are segments.
        cells: the month's map.
    """
    channels = _by_channel(segments, cells)
    merged: set[str] = set()
    while True:
        credits = [replace(one, column=OTHER) if one.column in merged else one for one in channels]
        more = _small_segment(credits, k)
        if not more:
            table = Table(
                credits, k, line_of=lambda one: _channel_line(one.cell), row_of=lambda one: one.cell[0],
                has_campaigns=False,
            )  # fmt: skip
            lost = [] if is_plain else table.protect()
            if not lost or len(table.columns) == 1:
                break
            more = {table.columns[lost[0][2]]}
        names = {one.column for one in credits} - more
        # One segment alone would be what the others leave.
        if (len(merged | more) == 1 and OTHER not in names) or more == {OTHER}:
            more |= {min(names, key=lambda name: (_count(credits, name), name))}
        merged |= more - {OTHER}
    found = {}
    for one in segments:
        name = OTHER if one.column in merged else one.column
        cell = (cells[one.cell][0], one.cell[0])
        found[one.column, one.cell] = (name, table.published(cell, _channel_line(cell), name)[0])
    return dict(sorted(found.items()))


def _channel_line(cell: Cell) -> Cell:
    return REST if cell[0] == OTHER else (cell[0], "*")


def _by_channel(segments: Iterable[Credit], cells: Cells) -> list[Credit]:
    """The cells of the segment table: a channel, or the part of it that the month publishes under channel (other)."""
    found: dict[tuple[Any, ...], Credit] = {}
    for one in segments:
        cell = (cells[one.cell][0], one.cell[0])
        key = (cell, one.column, one.model)
        if before := found.get(key):
            found[key] = replace(
                before,
                buyers=before.buyers | one.buyers,
                buyer_count=before.buyer_count + one.buyer_count,
                amounts=tuple(map(add, before.amounts, one.amounts)),
            )
        else:
            found[key] = replace(one, cell=cell)
    return list(found.values())


def _count(credits: Iterable[Credit], column: Any) -> int:
    return sum(one.buyer_count for one in credits if one.column == column)


def _small_segment(credits: Collection[Credit], k: int) -> set[str]:
    """The smallest segment of fewer than k buyers, if it is not all there is."""
    buyers: dict[tuple[str, str], frozenset[Any]] = defaultdict(frozenset)
    for one in credits:
        buyers[one.column, one.model] |= one.buyers
    small = [(len(people), column) for (column, _), people in buyers.items() if 0 < len(people) < k]
    return {min(small)[1]} if small and len({one.column for one in credits}) > 1 else set()
