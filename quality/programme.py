"""The linear programme of the proof: all published sums of a step of a month, in all tables, as an intruder has them.

Unknowns are what each cell has in which sum at which step. The intruder is granted the cells that matter least: those
are left as they are, so that a programme stays small and finds no less than the whole would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

from quality.changes import OWN, REST, Floats, Ints, Month
from quality.hidden import Hidden, cells_of, numbered

_COMPANY = 16  # cells besides a secret's own that an intruder does not know, at most
_SECONDS = 10.0
_KEPT = 16  # sums that stay at hand: a cell's, under each model and measure
Row = tuple[Hashable, ...]


class Programme:
    """The sums of all tables after a step of a month."""

    def __init__(self, month: Month, levels: dict[str, Ints]) -> None:
        self.month, self.levels = month, levels
        came = month.is_current & (month.levels["month"] == REST)
        self.moves = came & (levels["month"] > REST)
        self.waits = came & (levels["month"] == REST)
        self.cell = cells_of(month, "month", levels["month"])
        self._kept: dict[Row, _Sums] = {}  # of the latest secrets: those of one cell follow each other

    def could_be_other(self, hidden: Hidden, parts: Ints, model: int, measure: int, by: float) -> bool:
        """Whether the sums leave open that some parts of a cell differ by more than `by` from what they are."""
        own = self._cells_of_secret(hidden, parts)
        sums = self._sums_of(own, model, measure)
        aim = np.zeros(len(sums.unknowns))
        for part in parts:
            aim[sums.of_part(hidden, int(part), own)] = 1
        true = float(aim @ sums.truth())
        return any(sums.reaches(sign * aim, sign * true - by) for sign in (1, -1))

    def _sums_of(self, own: Ints, model: int, measure: int) -> _Sums:
        """The sums of a secret's cells and their company."""
        key = (*map(int, own), model, measure)
        if key not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            rows = self.waits | (self.moves & np.isin(self.cell, self._company(own, model, measure)))
            self._kept[key] = _Sums(self, np.flatnonzero(rows & self.month.gives[:, model]), model, measure)
        return self._kept[key]

    def _cells_of_secret(self, hidden: Hidden, parts: Ints) -> Ints:
        """The cells of the month that have a part in it: those of a channel, where the table shows them together."""
        number = int(hidden.cell[parts[0]])
        channel = self.month.channel
        if hidden.table == "segment" or (hidden.is_shown and number < 0 and hidden.table != "month"):
            return np.unique(self.cell[self.moves & (channel == (number if number >= 0 else -1 - number))])
        return np.array([number])

    def _company(self, own: Ints, model: int, measure: int) -> Ints:
        """The cells of a secret that have most in it, and others that do, of the same channels and of all."""
        cells, number = np.unique(self.cell[self.moves], return_inverse=True)
        amounts = np.zeros(len(cells))
        np.add.at(amounts, number, self.month.amounts[self.moves, model, measure])
        channels = np.zeros(len(cells), dtype=np.int64)
        channels[number] = self.month.channel[self.moves]
        is_kin = np.isin(channels, channels[np.isin(cells, own)])
        largest = np.argsort(-amounts, kind="stable")
        kin, others = largest[is_kin[largest]], largest[~is_kin[largest]]
        mine = largest[np.isin(cells[largest], own)]
        return np.unique(np.concatenate([cells[some[: _COMPANY // 2]] for some in (mine, kin, others)]))


class _Sums:
    """Unknowns, none negative, and the sums of them that are published, of some rows, under one model and measure."""

    def __init__(self, programme: Programme, rows: Ints, model: int, measure: int) -> None:
        self.month, self.levels = programme.month, programme.levels
        self.cell, self.moves = programme.cell, programme.moves
        self.amount = self.month.amounts[:, model, measure]
        self.unknowns: dict[Row, int] = {}
        self.terms: dict[Row, list[tuple[int, float]]] = defaultdict(list)
        self.values: dict[Row, float] = defaultdict(float)
        self.known: dict[Row, float] = defaultdict(float)  # what the unknowns are
        self.rows = rows
        self.cells = sorted({(int(self.cell[i]), int(self.month.channel[i])) for i in rows if self.moves[i]})
        self.came_at = self.month.came_at
        self.steps = sorted({int(self.came_at[i]) for i in rows})
        for cell, channel in self.cells:
            for step in self.steps:
                number = self._unknown("came", cell, step)
                self.terms["month", cell].append((number, 1.0))
                for table in self.month.finer:
                    self.terms["same", table, self._owner(table, cell, channel), step].append((number, -1.0))
        for (cell, step), amount in self._added_up(rows[self.moves[rows]], self.cell, self.came_at):
            self.values["month", cell] += amount
            self.known["came", cell, step] += amount
        for table in self.month.finer:
            self._add_table(table)
        if not self.month.finer:
            self._add_steps()
        self.matrix, self.totals, self.scale = self._equations()

    @staticmethod
    def _owner(table: str, cell: int, channel: int) -> int:
        return channel if table == "segment" else cell

    def _unknown(self, *name: Hashable) -> int:
        return self.unknowns.setdefault(name, len(self.unknowns))

    def _added_up(self, rows: Ints, *by: Ints) -> Iterator[tuple[tuple[int, ...], float]]:
        """What some rows come to, by columns of numbers."""
        names, number = numbered(np.stack([one[rows] for one in by], axis=1))
        sums = np.bincount(number, weights=self.amount[rows], minlength=len(names))
        yield from zip(map(tuple, names.tolist()), sums.tolist(), strict=True)

    def _add_steps(self) -> None:
        """What came at each step, which no finer table tells."""
        for step in self.steps:
            self.terms["total", step] = [(self._unknown("came", cell, step), 1.0) for cell, _ in self.cells]
            self.terms["total", step].append((self._unknown("waits", step), 1.0))
        for (step,), amount in self._added_up(self.rows, self.came_at):
            self.values["total", step] += amount

    def _add_table(self, table: str) -> None:
        """What a finer table publishes, and that it counts what the month does, at each step."""
        is_segment = table == "segment"
        column = self.month.columns[table]
        owners = sorted({(self._owner(table, *one), 0 if is_segment else one[1]) for one in self.cells})
        came: dict[int, set[int]] = defaultdict(set)  # by column, the steps at which something came to it
        for (here, step), amount in self._added_up(self.rows, column, self.came_at):
            if is_segment:
                came[here], came[0] = set(self.steps), set(self.steps)
            else:
                came[here].add(step)
                self.values["total", table, here, step] += amount
        shown: dict[tuple[int, int, int], float] = defaultdict(float)
        by = (self.cell, self.month.channel, self.levels[table], column, self.came_at)
        for (cell, channel, place, here, step), amount in self._added_up(self.rows[self.moves[self.rows]], *by):
            owner = self._owner(table, cell, channel)
            self.known[table, place, owner, 0 if is_segment and place == REST else here, step] += amount
            if place > REST:
                kin = 0 if is_segment else channel
                shown[place, owner if place == OWN else kin, here] += amount
        for here in {0} if is_segment else came:
            for step in came[here]:
                for owner, _ in owners:
                    self._place(table, REST, owner, here, step)
                if not is_segment:
                    waiting = self._unknown("waits", table, here, step)
                    self.terms["total", table, here, step].append((waiting, 1.0))
        for (place, group, here), value in shown.items():
            name = ("shown", table, place, group, here)
            self.values[name] = value
            for owner, kin in owners:
                if group == (owner if place == OWN else kin):
                    for step in came[here]:
                        self.terms[name].append((self._place(table, place, owner, here, step), 1.0))

    def _place(self, table: str, place: int, owner: int, column: int, step: int) -> int:
        number = self._unknown(table, place, owner, column, step)
        self.terms["same", table, owner, step].append((number, 1.0))
        if table != "segment":
            self.terms["total", table, column, step].append((number, 1.0))
        return number

    def truth(self) -> Floats:
        """What each unknown is."""
        return np.array([self.known.get(name, 0.0) for name in self.unknowns])

    def of_part(self, hidden: Hidden, part: int, own: Ints) -> list[int]:
        """The unknowns that make up one part of a secret; `own` are the secret's cells of the month."""
        step = int(hidden.arrived[part])
        if hidden.table == "month":
            names: list[Row] = [("came", int(cell), step) for cell in own]
        else:
            owners = [int(hidden.cell[part])] if hidden.table == "segment" else [int(cell) for cell in own]
            place, column = int(hidden.place[part]), int(hidden.column[part])
            names = [(hidden.table, place, owner, column, step) for owner in owners]
        return [self.unknowns[name] for name in names if name in self.unknowns]

    def _equations(self) -> tuple[Any, Floats, float]:
        from scipy.sparse import coo_array  # with `linprog` some 0.6 s, of which most builds have no programme

        rows, columns, signs, values = [], [], [], []
        for number, (name, terms) in enumerate(self.terms.items()):
            values.append(self.values.get(name, 0.0))
            for unknown, sign in terms:
                rows.append(number)
                columns.append(unknown)
                signs.append(sign)
        scale = max(max(values, default=0.0), 1.0)
        matrix: Any = coo_array((signs, (rows, columns)), shape=(len(values), len(self.unknowns))).tocsr()
        return matrix, np.array(values) / scale, scale

    def reaches(self, aim: Floats, limit: float) -> bool:
        """Whether an aim could be below a limit, whatever is published; not, where that takes too long to tell."""
        from scipy.optimize import linprog

        done = linprog(aim, A_eq=self.matrix, b_eq=self.totals, bounds=(0, None), method="highs",
                       options={"time_limit": _SECONDS})  # fmt: skip
        return bool(done.status == 0 and done.fun * self.scale < limit)
