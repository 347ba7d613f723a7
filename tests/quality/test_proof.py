"""What the proof of small cells takes for an exchange, of hidden parts made by hand."""

import numpy as np

from quality.hidden import Hidden
from quality.proof import has_exchange


def hidden(parts, sums, secrets):
    """Parts (cell, channel, step, sum, amount), and sums (channel or -1, step, amount), of one day."""
    cell, kin, arrived, total, amounts = (np.array(one) for one in zip(*parts, strict=True))
    of, steps, totals = (np.array(one) for one in zip(*sums, strict=True))
    money, whole = (one.astype(float)[:, None, None] for one in (amounts, totals))
    return Hidden(
        table="day", cell=cell, kin=kin, column=np.zeros_like(cell), arrived=arrived, place=np.ones_like(cell),
        total=total, amounts=money, loose=money * 0, totals=whole, loose_totals=whole * 0, kin_of_total=of,
        arrived_at_total=steps, secrets=[np.array(one) for one in secrets],
    )  # fmt: skip


def test_a_part_is_exchanged_with_another_sum_of_its_channel_and_step():
    found = hidden([(1, 1, 5, 0, 100), (1, 1, 5, 1, 50)], [(1, 5, 300), (1, 5, 400)], [[0]])
    assert has_exchange(found).all()


def test_a_part_that_is_all_of_its_sum_is_not_exchanged_with_another_channel_s_sum_of_a_later_step():
    found = hidden([(1, 1, 5, 0, 100)], [(1, 5, 100), (0, 9, 1000)], [[0]])
    assert not has_exchange(found).any()


def test_a_sum_of_a_later_step_than_all_parts_is_no_error():
    found = hidden([(0, 0, 5, 0, 100)], [(0, 5, 100), (0, 9, 1000)], [[0]])
    assert not has_exchange(found).any()
