"""An intruder who keeps some versions of the published tables and seeks sums of their figures that give a cell away.

Written from what small cells promise, not from how they are made. What he finds is a recipe: figures to add and to
subtract, of which every cell's money is in no more than the secret has, or in no less. So a finding can be checked by
adding up. He knows what kinds of touches a figure could count (cells step, and he knows how), and of none where it is.
"""

from collections import defaultdict
from itertools import product

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from tests.quality.histories import TABLES
from tests.quality.shops import MODELS

WITHIN = 0.10
FINER = TABLES[1:]
WAITING = ((0, 0, 0, 0), True)


class Intruder:
    """Unknowns are a campaign's money in a column of a finer table, by what the kept versions did with it."""

    def __init__(self, history, versions, model, measure):
        self.history, self.versions = history, versions
        self.model, self.measure = MODELS.index(model), measure
        self.money, self.people, self.number = [], [], {}
        self._look()
        self.figures, values = self._figures(), []
        rows, columns, signs = [], [], []
        for i, terms in enumerate(self.figures.values()):
            for unknown, sign in terms:
                rows.append(unknown)
                columns.append(i)
                signs.append(sign)
            values.append(sum(sign * self.money[unknown] for unknown, sign in terms))
        self.in_figures = csr_array((signs, (rows, columns)), shape=(len(self.money), len(values)), dtype=float)
        self.values = np.array(values, dtype=float)
        self.is_total = np.array([name[0] in ("total", "same") for name in self.figures])

    def _fate(self, key):
        """What the kept versions did with a row: by version its levels, or nothing, and whether it still holds."""
        shown = (self.history.published[version].get(key) for version in self.versions)
        return tuple(one and (tuple(one[0][table] for table in TABLES), one[1]) for one in shown)

    def _look(self):
        """Number the unknowns: what there is, and all that there could be as far as he can tell."""
        columns, fates = defaultdict(set), defaultdict(set)
        for key, one in self.history.credits.items():
            if any(fate := self._fate(key)):
                fates[one.channel, one.campaign].add(fate)
                for table in FINER:
                    columns[table].add(getattr(one, table))
                    self._count(table, fate, one)
        shown = {(table, version, column, name) for table, cell, column, fate in self.number
                 for version, name in self._shown(table, cell, fate)}  # fmt: skip
        size = len(self.versions)
        waiting = {(None,) * start + (WAITING,) * (size - start) for start in range(size)}
        for cell, some in fates.items():
            for fate in {other for one in some for other in _others(one)} | waiting:
                for table in FINER:
                    for column in columns[table]:
                        if all((table, v, column, name) in shown for v, name in self._shown(table, cell, fate)):
                            self._unknown(table, cell, column, fate)

    def _shown(self, table, cell, fate):
        """The versions in which money of a fate is in a figure of a finer table, and that figure's name."""
        for version, seen in zip(self.versions, fate, strict=True):
            if seen and (level := seen[0][TABLES.index(table)]):
                own, other = (cell[0], "(other)") if table == "segment" else (cell, (cell[0], "(other)"))
                yield version, own if level == 2 else other

    def _unknown(self, table, cell, column, fate):
        key = (table, cell, column, fate)
        if key not in self.number:
            self.number[key] = len(self.money)
            self.money.append(0)
            self.people.append(set())
        return self.number[key]

    def _count(self, table, fate, one):
        number = self._unknown(table, (one.channel, one.campaign), getattr(one, table), fate)
        self.money[number] += int(one.amounts[self.model, self.measure])
        if one.amounts[self.model].any():
            self.people[number].add(one.buyer)

    def _figures(self):
        """All that is published: its unknowns, with their sign."""
        found = defaultdict(list)
        for (table, cell, column, fate), number in self.number.items():
            for version, name in self._shown(table, cell, fate):
                found["cell", table, version, column, name].append((number, 1))
            for version, seen in zip(self.versions, fate, strict=True):
                if seen and seen[1] and table != "segment":
                    found["total", table, version, column].append((number, 1))
                if seen and table == "day" and seen[0][0]:
                    name = cell if seen[0][0] == 2 else (cell[0], "(other)")
                    found["cell", "month", version, name].append((number, 1))
            for other in FINER[1:]:  # all tables count the same credits
                if table in ("day", other):
                    found["same", other, cell, fate].append((number, 1 if table == "day" else -1))
        return dict(found)

    def secrets(self):
        """Cells of fewer than k buyers, of the days, touch days, segments and months, and what came to them since.

        Not those that are all there is of the region then and there, whose totals are published on purpose.
        """
        parts, people, owners = defaultdict(list), defaultdict(set), defaultdict(set)
        for (table, cell, column, fate), number in self.number.items():
            owner = cell[:1] if table == "segment" else cell  # segments are shown by channel alone
            since = next(version for version, seen in zip(self.versions, fate, strict=True) if seen)
            holds = [version for version, seen in zip(self.versions, fate, strict=True) if seen and seen[1]]
            names = [("holds", version) for version in holds] + [("came", since)] * bool(holds)
            for name in names:
                keys = [(table, *name, column, owner)] + [("month", *name, owner)] * (table == "day")
                for key in keys:
                    parts[key].append(number)
                    people[key] |= self.people[number]
                    if self.people[number]:
                        owners[key[:-1]].add(owner)
        worth = {key: sum(self.money[i] for i in some) for key, some in parts.items()}
        few = (key for key in sorted(parts, key=repr) if len(people[key]) < self.history.k and worth[key])
        return {key: parts[key] for key in few if len(owners[key[:-1]]) > 1}

    def recipes(self, secrets, only_totals=False):
        """Those of the secrets that a sum of figures tells within a tenth: the figures, and how often each is taken."""
        use = np.flatnonzero(self.is_total | (not only_totals))
        figures, values = self.in_figures[:, use], self.values[use]
        scale = max(float(np.abs(values).max(initial=0)), 1.0)
        names = list(self.figures)
        found = {}
        for name, parts in secrets.items():
            aim = np.zeros(len(self.money))
            aim[parts] = 1
            true = sum(self.money[i] for i in parts)
            low, least = self._best(figures, values / scale, aim, 1)
            if low is None or least * scale < (1 - WITHIN) * true - 1:
                continue
            high, most = self._best(figures, values / scale, aim, -1)
            if high is not None and most * scale <= (1 + WITHIN) * true + 1:
                found[name] = {names[use[i]]: float(round(low[i], 6)) for i in np.flatnonzero(np.abs(low) > 1e-6)}
        return found

    @staticmethod
    def _best(figures, values, aim, sign):
        """The sum of figures that comes nearest from below (from above, with a `sign` of -1), and what it comes to."""
        done = linprog(-sign * values, A_ub=sign * figures, b_ub=sign * aim, bounds=(None, None), method="highs-ipm")
        if done.status != 0:
            return None, None
        over = (sign * (figures @ done.x - aim)).max(initial=0)
        assert over < 1e-6, over
        return done.x, float(values @ done.x)


def _others(fate):
    """What else a fate could have been, as far as the month shows: come at another time, hidden more in finer tables.

    A row that no longer holds, or stands for another, is what it is.
    """
    yield fate
    levels = {seen[0] for seen in fate if seen}
    named = [i for i, seen in enumerate(fate) if seen and seen[0][0]]
    if not named or not all(seen and seen[1] for seen in fate[named[0] :]):
        return
    for lower in product(*({0, min(level, 1), level} for level in max(levels)[1:])):
        end = tuple(
            ((seen[0][0], *(min(level, most) for level, most in zip(seen[0][1:], lower, strict=True))), True)
            for seen in fate[named[0] :]
        )
        for came in range(named[0] + 1):
            yield (None,) * came + (WAITING,) * (named[0] - came) + end


def found_by(history, versions, model, measure, most=12):
    """What the intruder finds in some versions and could not tell from the region's totals alone."""
    if len({(one.channel, one.campaign) for one in history.credits.values()}) == 1:
        return {}  # then the region's totals are the campaign's
    intruder = Intruder(history, versions, model, measure)
    secrets = intruder.secrets()
    names = list(secrets)[:: len(secrets) // most + 1]
    found = intruder.recipes({name: secrets[name] for name in names})
    told = intruder.recipes({name: secrets[name] for name in found}, only_totals=True)
    return {name: recipe for name, recipe in found.items() if name not in told}
