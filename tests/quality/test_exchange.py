"""How much of a cell could stand elsewhere without any published sum telling."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.exchange import SLACK, Grid

amounts = st.integers(2, 5).flatmap(
    lambda rows: st.lists(st.lists(st.integers(0, 1000), min_size=4, max_size=4), min_size=rows, max_size=rows)
)


def grid_of(cells, is_bought=None):
    cells = np.array(cells, dtype=float)
    is_bought = np.ones(cells.shape, dtype=bool) if is_bought is None else is_bought
    return Grid(cells[None, None], is_bought[None], ~np.eye(len(cells), dtype=bool))


@given(amounts)
def test_where_all_cells_are_hidden_together_it_is_the_textbook_bound(cells):
    grid, one_block = grid_of(cells), np.zeros((len(cells), 4), dtype=int)
    cells = np.array(cells)
    for (row, column), amount in np.ndenumerate(cells):
        least = amount - min(amount, grid.movable(one_block, 0, row, column)[0])
        assert least == max(0, cells[row].sum() + cells[:, column].sum() - cells.sum())


@given(amounts, st.integers(0, 2**20), st.integers(0, 3**20))
@settings(deadline=None)
def test_all_cells_at_once_are_judged_as_one_by_one(cells, bought, blocks):
    shape = (len(cells), 4)
    is_bought = np.array([bought >> i & 1 for i in range(len(cells) * 4)], dtype=bool).reshape(shape)
    block = np.array([blocks // 3**i % 3 for i in range(len(cells) * 4)]).reshape(shape)
    grid = grid_of(np.array(cells) * is_bought, is_bought)
    exposed = set(grid.exposed(block, grid.is_bought))
    assert exposed == {
        (0, row, column)
        for row, column in zip(*np.nonzero(is_bought), strict=True)
        if (grid.movable(block, 0, row, column) + 1e-5 < grid.needed(0, row, column)).any()
    }


def test_what_stands_or_has_no_other_row_beside_it_in_two_columns_cannot_move():
    cells = [[10, 10], [10, 10]]
    assert grid_of(cells).movable(np.array([[0, 0], [0, 1]]), 0, 0, 0)[0] == 0
    assert grid_of(cells, np.array([[True, True], [True, False]])).movable(np.zeros((2, 2)), 0, 0, 0)[0] == 0
    assert grid_of(cells).movable(np.zeros((2, 2)), 0, 0, 0)[0] == 10 > SLACK * 10
