"""Where each cell may be published, so that no figure, and no difference of figures, rests on fewer than k buyers.

**The month first.** A campaign stands in its month if it has k buyers under every model that credits it. Small ones
move whole into ``(other)`` of their channel, from there into channel ``(other)``, and where that is too small, the
smallest that stand join it. **Days then refine what the month publishes**: a published cell of the month stands on a
day or joins ``(other)`` of that day by the same rule. So days differ from their month only in how its published cells
are spread over them, and what is small in that spread is kept apart from what is known by exchanges
(:mod:`quality.exchange`): where there is too little to exchange, the cheapest larger cells join it. Where even one
``(other)`` a day would not do, cells of the month are merged. Touch dates and segments refine the same months.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from quality.exchange import TINY, Bools, Grid

OTHER = "(other)"
Cell = tuple[str, str]  # channel, campaign
REST: Cell = (OTHER, OTHER)


@dataclass(frozen=True)
class Credit:
    """What a model credits a campaign with in a column (a day, a segment), of orders of one month."""

    cell: Cell
    column: Any
    month: Any
    model: str
    buyers: frozenset[Any]  # k of them suffice
    buyer_count: int
    amounts: tuple[int, ...]  # of each measure


class Table:
    """One table to be published: which of its lines stand in which column.

    A *line* is the name under which a campaign may stand; a *row* is what has a published sum over the columns.
    """

    def __init__(
        self,
        credits: Collection[Credit],
        k: int,
        line_of: Callable[[Credit], Cell],
        row_of: Callable[[Credit], Hashable],
        hide: Collection[Cell] = (),
        has_campaigns: bool = True,
    ) -> None:
        """Lay the table out; lines of `hide` stand nowhere, nor do those that are called (other).

        Without campaigns what does not stand goes straight to channel (other).
        """
        self.k = k
        self.columns = sorted({credit.column for credit in credits})
        self.models = sorted({credit.model for credit in credits})
        keys = {(line_of(one), row_of(one)) for one in credits}
        self.rows = sorted(keys, key=repr)
        self.lines = sorted({line for line, _ in keys})
        self.channels = sorted({line[0] for line in self.lines} | {one.cell[0] for one in credits})
        self._number = {line: i for i, line in enumerate(self.lines)}
        self._channel = {name: i for i, name in enumerate(self.channels)}
        self.line_of_row = np.array([self._number[line] for line, _ in self.rows], dtype=np.int64)
        self.channel_of_line = np.array([self._channel[line[0]] for line in self.lines], dtype=np.int64)
        self.is_own = np.full((len(self.channels), len(self.columns)), has_campaigns)
        self._fill(credits, line_of, row_of)
        self._hide_small(set(hide))
        for column in range(len(self.columns)):
            self._settle(column)

    def _fill(
        self, credits: Collection[Credit], line_of: Callable[[Credit], Cell], row_of: Callable[[Credit], Hashable]
    ) -> None:
        row_number = {key: i for i, key in enumerate(self.rows)}
        column_number = {column: i for i, column in enumerate(self.columns)}
        model_number = {model: i for i, model in enumerate(self.models)}
        measures = max((len(credit.amounts) for credit in credits), default=0)
        shape = (len(self.models), len(self.rows), len(self.columns))
        amounts = np.zeros((measures, *shape))
        self.member_count = np.zeros(shape, dtype=np.int64)
        sizes = np.zeros((len(self.models), len(self.lines), len(self.columns)))
        no_one: list[frozenset[Any]] = [frozenset()] * len(self.models)
        self.buyers: dict[tuple[int, int], list[frozenset[Any]]] = defaultdict(lambda: list(no_one))
        self.buyers_of_cell: dict[tuple[Cell, int], list[frozenset[Any]]] = defaultdict(lambda: list(no_one))
        self.members: list[dict[Cell, None]] = [{} for _ in self.rows]
        for one in credits:
            line = line_of(one)
            i, row = self._number[line], row_number[line, row_of(one)]
            model, column = model_number[one.model], column_number[one.column]
            amounts[:, model, row, column] += one.amounts
            self.member_count[model, row, column] += 1
            sizes[model, i, column] += one.buyer_count
            self.members[row][one.cell] = None
            for people in (self.buyers[i, column], self.buyers_of_cell[one.cell, column]):
                people[model] |= one.buyers
            if line == REST:  # campaigns without a name of their own stay together within a channel
                self.is_own[self._channel[one.cell[0]], column] = False
        self.size = np.where(sizes > 0, sizes, np.inf).min(axis=0, initial=np.inf)
        self.is_present = np.isfinite(self.size)
        kin = [[not self.members[a].keys().isdisjoint(self.members[b]) for b in row_number.values()]
               for a in row_number.values()]  # fmt: skip
        is_kin = np.array(kin, dtype=bool).reshape(len(self.rows), len(self.rows))
        self.grid = Grid(np.maximum(amounts, 0), self.member_count > 0, ~is_kin)

    def _hide_small(self, hide: set[Cell]) -> None:
        """Mark the cells that do not stand, and those of them that nobody may find out."""
        self.is_hidden = np.zeros((len(self.lines), len(self.columns)), dtype=bool)
        self.targets: Bools = np.zeros(self.member_count.shape, dtype=bool)
        for i, line in enumerate(self.lines):
            self.is_hidden[i] = line[1] == OTHER or line in hide
        for (number, day), people in self.buyers.items():
            self.is_hidden[number, day] |= self._is_small(people)
        is_alone = self.member_count.sum(axis=1) == 1  # then it is the column's total, which is published
        for row, cells in enumerate(self.members):
            line = self.lines[self.line_of_row[row]]
            for cell in cells:
                for column in map(int, np.flatnonzero(self.grid.is_bought[:, row].any(axis=0))):
                    for model, some in enumerate(self.buyers_of_cell.get((cell, column), ())):
                        is_secret = len(some) < self.k or line in hide
                        is_single = self.member_count[model, row, column] == 1  # else it hides among its row's
                        if some and is_secret and is_single and not is_alone[model, column]:
                            self.targets[model, row, column] = True

    def _is_small(self, people: Iterable[frozenset[Any]]) -> bool:
        return any(0 < len(some) < self.k for some in people)

    def _together(self, lines: Iterable[int], column: int) -> list[frozenset[Any]]:
        people = [self.buyers[line, column] for line in lines]
        return [frozenset().union(*of_model) for of_model in zip(*people, strict=True)]

    def _settle(self, column: int) -> None:
        """Let hidden lines move on to channel (other) where they are too small, and others join until they are not."""
        present = [int(i) for i in np.flatnonzero(self.is_present[:, column])]
        rests: dict[int, list[int]] = defaultdict(list)
        for i in present:
            if self.is_hidden[i, column]:
                rests[int(self.channel_of_line[i])].append(i)
        for channel, lines in rests.items():
            if self.channels[channel] == OTHER or self._is_small(self._together(lines, column)):
                self.is_own[channel, column] = False
        rest = [i for channel, lines in rests.items() if not self.is_own[channel, column] for i in lines]
        while rest and self._is_small(self._together(rest, column)):
            places = [(self._cost(i, column), i) for i in present if i not in rest]
            if not places:
                return
            joining = min(places)[1]
            self.is_hidden[joining, column] = True
            self.is_own[self.channel_of_line[joining], column] = False
            rest = [i for i in present if self.is_hidden[i, column]
                    and not self.is_own[self.channel_of_line[i], column]]  # fmt: skip

    def _cost(self, line: int, column: int) -> float:
        """The buyers whom channel (other) takes in with a line: the channel's own (other) comes along."""
        return (0.0 if self.is_hidden[line, column] else float(self.size[line, column])) + self._flip_cost(
            int(self.channel_of_line[line]), column
        )

    def _flip_cost(self, channel: int, column: int) -> float:
        if not self.is_own[channel, column]:
            return 0.0
        mine = (self.channel_of_line == channel) & self.is_hidden[:, column] & self.is_present[:, column]
        return float(self.size[mine, column].sum())

    def blocks(self) -> Any:
        """The number of the published sum in which each row (of each column) is: of its line, channel or all."""
        channels = self.channel_of_line[:, None] + len(self.lines)
        merged = np.where(self.is_own[self.channel_of_line], channels, -1)
        lines = np.where(self.is_hidden, merged, np.arange(len(self.lines))[:, None])
        return lines[self.line_of_row]

    def exposed_at_best(self, columns: Bools) -> list[tuple[int, int, int]]:
        """Targets (model, row, column) of some columns that no merging within these protects."""
        apart = np.arange(1, len(self.rows) + 1)[:, None]
        return list(self.grid.exposed(np.where(columns, 0, apart), self.targets & columns))

    def protect(self) -> list[tuple[int, int, int]]:
        """Hide larger cells beside the small ones until each is safe.

        Returns:
            The targets (model, row, column) for which there is not enough in the whole table.
        """
        lost = []
        for model, row, column in self.grid.exposed(self.blocks(), self.targets):
            needed = self.grid.needed(model, row, column)
            while True:
                short = needed - self.grid.movable(self.blocks(), model, row, column)
                if short.max() <= TINY:
                    break
                if not self.widen(model, row, column, int(short.argmax()), float(short.max())):
                    lost.append((model, row, column))
                    break
        return lost

    def widen(self, model: int, row: int, column: int, measure: int, short: float, into: Bools | None = None) -> bool:
        """Hide the cheapest row and column (of `into`) with which a cell can exchange what it is short of, or the most.

        Returns:
            Whether there was anything left to exchange with.
        """
        bought = self.grid.is_bought[model]
        gain = self.grid.amounts[measure, model] * (bought & bought[row] & bought[:, column][:, None])
        gain = gain * self.grid.is_foreign[row][:, None]
        gain[:, column] = 0
        if into is not None:
            gain[:, ~into] = 0
        blocks = self.blocks()
        is_joined = blocks == blocks[row]
        gain[is_joined & is_joined[:, column][:, None]] = 0  # that is counted already
        if not gain.any():
            return False
        lines, channels = self.line_of_row, self.channel_of_line[self.line_of_row]
        hide = np.where(self.is_hidden | ~self.is_present, 0, self.size)[lines]
        flip = np.ones(self.is_own.shape)
        np.add.at(flip, self.channel_of_line, np.where(self.is_hidden & self.is_present, self.size, 0))
        flip = np.where(self.is_own, flip, 0)[channels]
        cost = hide + hide[:, [column]] + hide[row]
        is_elsewhere = channels != channels[row]
        both = flip + flip[row]
        cost = cost + np.where(is_elsewhere[:, None], both + both[:, [column]], 0)
        enough = gain >= short
        choice = np.where(enough, cost, np.inf) if enough.any() else -gain
        other, day = divmod(int(choice.argmin()), len(self.columns))
        for c in (column, day):
            self.is_hidden[lines[[row, other]], c] = True
            if is_elsewhere[other]:
                self.is_own[channels[[row, other]], c] = False
            self._settle(c)
        return True

    def hide(self, cells: Iterable[Cell], is_own: bool) -> None:
        """Merge lines in all columns; unless `is_own`, into channel (other)."""
        for cell in cells:
            self.is_hidden[self._number[cell]] = True
            if not is_own:
                self.is_own[self._channel[cell[0]]] = False
        for column in range(len(self.columns)):
            self._settle(column)

    def published(self, cell: Cell, line: Cell, column: Any) -> Cell:
        """The cell in which a campaign's credit of a column is published."""
        i, c = self._number[line], self.columns.index(column)
        if not self.is_hidden[i, c]:
            return line
        return (cell[0], OTHER) if self.is_own[self._channel[line[0]], c] and line != REST else REST
