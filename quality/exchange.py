"""What keeps a small cell of a published table from being computed out of the sums around it.

A table has rows whose sums over the columns are published elsewhere (a campaign's month), and columns (days) in which
rows that do not stand under their own name are published as one sum, their *block*. Take a small cell of row R in
column C. If another row Q is in R's block in C and in another column D as well, then money could change places,

        C    D
    R   -    +
    Q   +    -

and no published figure would tell. A small cell is safe if by such exchanges, taken together, at least ``SLACK`` of it
could be elsewhere, for every measure and model. An exchange touches only cells that have buyers anyway, so it holds
also against a reader who knows where there were any. Where all cells have buyers and one block holds them, this is the
textbook bound max(0, row + column - total).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A published range of -25% is wider than +-10% around any guess.
SLACK = 0.25
# Amounts are whole numbers, sums of doubles nearly so.
TINY = 5e-6
_ROWS_AT_ONCE = 64  # bounds memory
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Amounts, and where there are buyers; axes are measure, model, row, column."""

    amounts: Floats  # (measure, model, row, column), none negative
    is_bought: Bools  # (model, row, column)
    is_foreign: Bools  # (row, row): no campaign is in both

    def movable(
        self, blocks: NDArray[np.int64], model: int, row: int, column: int, into: Bools | None = None
    ) -> Floats:
        """How much of a cell could be in other columns (those of `into`), by measure.

        Args:
            blocks: the number of the block in which each row and column is.
        """
        bought = self.is_bought[model]
        together = (blocks == blocks[row]) & bought & bought[row] & self.is_foreign[row][:, None]
        others = together[:, column].copy()
        together[:, column] = False
        if into is not None:
            together &= into
        moved: Floats = (self.amounts[:, model] * (together & others[:, None])).sum(axis=(1, 2))
        return moved

    def needed(self, model: int, row: int, column: int) -> Floats:
        """How much of a cell has to be able to be elsewhere, by measure."""
        needed: Floats = SLACK * self.amounts[:, model, row, column]
        return needed

    def exposed(self, blocks: NDArray[np.int64], targets: Bools) -> Iterator[tuple[int, int, int]]:
        """The targets (model, row, column) that are not safe, in order of column, row and model."""
        found: set[tuple[int, int, int]] = set()
        for model in range(len(targets)):
            rows = np.flatnonzero(targets[model].any(axis=1))
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                some = rows[start : start + _ROWS_AT_ONCE]
                short = self._is_short(blocks, model, some) & targets[model][some]
                found |= {(int(column), int(some[i]), model) for i, column in zip(*np.nonzero(short), strict=True)}
        for column, row, model in sorted(found):
            yield model, row, column

    def _is_short(self, blocks: NDArray[np.int64], model: int, rows: NDArray[np.int64]) -> Bools:
        """For some rows and all columns what :meth:`movable` and :meth:`needed` say of one, of any measure."""
        amounts, bought = self.amounts[:, model], self.is_bought[model]
        together = (
            (blocks[rows][:, None] == blocks[None])
            & bought[None]
            & bought[rows][:, None]
            & self.is_foreign[rows][:, :, None]
        ).astype(np.float64)  # (one of `rows`, row, column)
        is_short = np.zeros((len(rows), bought.shape[1]), dtype=bool)
        for measure in amounts:
            shared = together * measure
            moved = np.einsum("rqc,rq->rc", together, shared.sum(axis=2)) - shared.sum(axis=1)
            is_short |= moved + TINY < SLACK * measure[rows]
        return is_short
