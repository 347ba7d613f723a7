"""A second intruder over the tables that divide a month into parts, who bounds what he seeks from below and above.

Written from what small cells say of steps, and from nothing else: a part that moves takes along all of it that waited,
and what has come since the last kept version may have come before its move or after. So of each part and kept version
there are two unknowns: what came and was shown with it, and what came and waits. A part's figure at a move is all that
came before; the figures of all parts and (other) are the month's total. He bounds what he seeks by linear programmes,
where the other intruder (:mod:`tests.quality.intruder_of_parts`) looks for figures to add and to subtract.

He reads histories that grow, and in which nothing is taken back.
"""

from collections import defaultdict

import numpy as np
from scipy.optimize import linprog

WITHIN, CENT = 0.10, 1.0


class Moves:
    """What of each part came between kept versions and is shown at once, or waits: the truth, and what is published."""

    def __init__(self, history, versions, model=0, measure=0):
        self.history, self.versions, self.model, self.measure = history, versions, model, measure
        self.parts = sorted({item[-3:-1] for item in history.buyers})
        self.money, self.people = defaultdict(float), defaultdict(set)  # by unknown
        self.shown = defaultdict(float)  # by figure and version
        self.mixed = set()  # parts that ever stood in (other) of their kin
        for item, buyer in history.buyers.items():
            self._take(item, buyer)
        self.number = {name: i for i, name in enumerate(self._unknowns(self.parts, 0, len(versions)))}
        self._read()

    def _take(self, item, buyer):
        lives = [self.history.published[version].get(item) for version in self.versions]
        came = next((i for i, life in enumerate(lives) if life), None)
        if came is None:
            return
        part, amounts = item[-3:-1], item[-1][self.model]
        unknown = part, came, lives[came][0] > 0
        self.money[unknown] += amounts[self.measure]
        if any(amounts):
            self.people[unknown].add(buyer)
        for i, (level, _) in [(i, life) for i, life in enumerate(lives) if life]:
            self.shown["total", i] += amounts[self.measure]
            self.mixed |= {part} if level == 1 else set()
            if level:
                self.shown[part if level == 2 else part[:1], i] += amounts[self.measure]

    @staticmethod
    def _unknowns(parts, first, end):
        return [(part, i, at_once) for part in parts for i in range(first, end) for at_once in (True, False)]

    def _figures(self):
        """Figures that are one to him, with the parts whose money they hold: (other) of a kin may give parts back."""
        yield from (([part], [part]) for part in self.parts if part not in self.mixed)
        for kin in sorted({part[:1] for part in self.mixed}):
            mine = [part for part in self.parts if part in self.mixed and part[:1] == kin]
            yield [kin, *mine], mine

    def _read(self):
        """What he knows of the unknowns, as sums and what they come to."""
        sums, end = [], len(self.versions)
        for i in range(end):
            sums.append((self._unknowns(self.parts, 0, i + 1), self.shown["total", i]))
        for names, mine in self._figures():
            before = 0.0
            for i in range(end):
                value = sum(self.shown[name, i] for name in names)
                at_once = [(part, i, True) for part in mine]
                moved = value != before
                sums.append(([*self._unknowns(mine, 0, i), *at_once], value) if moved else (at_once, 0.0))
                before = value
        self.matrix, self.values = np.zeros((len(sums), len(self.number))), np.array([value for _, value in sums])
        for row, (unknowns, _) in enumerate(sums):
            self.matrix[row, [self.number[one] for one in unknowns]] = 1

    @property
    def is_so(self):
        """Whether all is as he thinks; not where the proof let some of a part wait that moved."""
        return bool(np.allclose(self.matrix @ [self.money[name] for name in self.number], self.values))

    def _secrets(self):
        """What came to a part from one kept version to another, and all of it that waits, of fewer than k buyers."""
        for part in self.parts:
            last = 0
            for i in range(len(self.versions)):
                last = i if i and self.shown[part, i] != self.shown[part, i - 1] else last
                yield ("waits", part, i), [(part, j, False) for j in range(last, i + 1)]
                yield from (
                    (("came", part, first, i), self._unknowns([part], first, i + 1)) for first in range(1, i + 1)
                )

    def told(self):
        """The secrets that he knows within a tenth, with what they are."""
        found = {}
        for name, unknowns in self._secrets():
            people = set().union(*(self.people[one] for one in unknowns))
            true = sum(self.money[one] for one in unknowns)
            if not true or len(people) >= self.history.k:
                continue
            aim = np.zeros(len(self.number))
            aim[[self.number[one] for one in unknowns]] = 1
            least, most = self._least(aim), -self._least(-aim)
            if least >= (1 - WITHIN) * true - CENT and most <= (1 + WITHIN) * true + CENT:
                found[name] = true
        return found

    def _least(self, aim):
        scale = max(float(self.values.max(initial=0)), 1.0)
        done = linprog(aim, A_eq=self.matrix, b_eq=self.values / scale, bounds=(0, None), method="highs-ds")
        return float(done.fun) * scale if done.status == 0 else -np.inf
