"""The differencing attack: a linear programme over everything that one version publishes."""

from collections import defaultdict

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

WITHIN = 0.10


class Sums:
    """Unknowns that are not negative, and sums of them that are known: what can be told of some of the unknowns."""

    def __init__(self):
        self.truth, self.numbers = [], {}
        self.sums = defaultdict(list)  # a published or derived sum: its unknowns, with their sign

    def matrix(self):
        rows, columns, signs, totals = [], [], [], []
        for terms in self.sums.values():
            for number, sign in terms:
                rows.append(len(totals))
                columns.append(number)
                signs.append(sign)
            totals.append(sum(sign * self.truth[number] for number, sign in terms))
        shape = (len(totals), len(self.truth))
        return csr_array((np.array(signs, float), (rows, columns)), shape=shape), np.array(totals, float)

    def come_out(self, secrets):
        """Those of the secrets (name: its unknowns) that come out within 10% of the truth, and are something."""
        matrix, totals = self.matrix()
        scale = max(totals.max(initial=0), 1)
        found = []
        for name, numbers in secrets.items():
            true = sum(self.truth[number] for number in numbers)
            if true <= 0:
                continue
            aim = np.zeros(len(self.truth))
            aim[numbers] = 1
            if not _reaches(aim, matrix, totals / scale, (1 - WITHIN) * true / scale) and not _reaches(
                -aim, matrix, totals / scale, -(1 + WITHIN) * true / scale
            ):
                found.append(name)
        return found


def _reaches(aim, matrix, totals, limit):
    result = linprog(aim, A_eq=matrix, b_eq=totals, bounds=(0, None), method="highs")
    assert result.status in (0, 3), result.message
    return result.status == 3 or result.fun <= limit + abs(limit) * 1e-9


class Attack(Sums):
    """What somebody can tell who reads all tables and knows that money is not negative.

    Unknowns are the true cells, of one model and measure. `knows_where` grants in addition which cells have buyers
    at all; without it every campaign could have money on every day. With `only_totals` nothing is published but the
    region's totals of days and months, which are so on purpose.
    """

    def __init__(self, shop, model, measure, knows_where, only_totals=False):
        super().__init__()
        self.shop, self.model, self.measure = shop, model, measure
        self.knows_where, self.only_totals = knows_where, only_totals
        for one in shop.days:
            if one.model == model:
                self._unknown("days", one.cell, one.column, one.month, one)
        for one in shop.touches:
            if one.model == model:
                self._unknown("touches", one.cell, one.column, one.month, one)
        for one in shop.channels:
            if one.model == model:
                self._unknown("segments", one.cell, one.column, one.month, one)
        if not knows_where:
            self._spread()
        self._link()

    def _unknown(self, table, cell, column, month, credit):
        key = (table, cell, column, month)
        place = self.shop.place(*key)
        if key in self.numbers or place is None:
            return
        number = self.numbers[key] = len(self.truth)
        self.truth.append(credit.amounts[self.measure] if credit else 0)
        if self.only_totals:
            place = "all"
        when = (month, place[0]) if table == "segments" else column
        self.sums["published", table, when, place].append((number, 1))
        if table == "days":
            home = "all" if self.only_totals else self.shop.months[month][cell]
            self.sums["month", month, home].append((number, 1))

    def _spread(self):
        """Every campaign could have had money on any day that its month touches."""
        for table in ("days", "touches", "segments"):
            keys = [key for key in self.numbers if key[0] == table]
            for cell, month in {(key[1], key[3]) for key in keys}:
                for column in {key[2] for key in keys}:
                    if table == "segments" or (
                        (column <= month or column.replace(day=1) == month) and (table == "touches" or column >= month)
                    ):
                        self._unknown(table, cell, column, month, None)

    def _link(self):
        """All tables tell of the same orders: what a campaign has in a month is the same in each."""
        by_home = defaultdict(lambda: defaultdict(list))
        for (table, cell, _, month), number in self.numbers.items():
            by_home[table][cell, month].append(number)
        for (cell, month), numbers in by_home["touches"].items():
            days = by_home["days"][cell, month]
            self.sums["equal", "touches", cell, month] = [(i, 1) for i in numbers] + [(i, -1) for i in days]
        for ((home, channel), month), numbers in by_home["segments"].items():
            days = [i for (cell, m), of_cell in by_home["days"].items() for i in of_cell
                    if m == month and cell[0] == channel and self.shop.months[m][cell][0] == home]  # fmt: skip
            self.sums["equal", "segments", home, channel, month] = [(i, 1) for i in numbers] + [(i, -1) for i in days]

    def broken(self, secrets, sample=None):
        """Those of the `secrets` (name: its unknowns' keys) that come out, and not of the region's totals alone."""
        names = sorted(secrets, key=repr)
        names = names if sample is None else sample(names)
        found = self.come_out({name: [self.numbers[key] for key in secrets[name]] for name in names})
        if found and not self.only_totals:
            before = Attack(self.shop, self.model, self.measure, self.knows_where, only_totals=True)
            told = before.broken({name: secrets[name] for name in found})
            found = [name for name in found if name not in told]
        return found
