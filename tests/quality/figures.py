"""Unknown amounts of money, figures that are sums of them, and the recipes by which figures tell of what is secret.

A recipe is figures to add and to subtract, of which every unknown is in no more than the secret has, or in no less. So
a finding can be checked by adding up.
"""

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

WITHIN = 0.10


class Figures:
    """What an intruder reads: who fills it numbers the unknowns, and says which of them each figure adds up."""

    def __init__(self):
        self.money, self.people, self.number = [], [], {}

    def unknown(self, key):
        if key not in self.number:
            self.number[key] = len(self.money)
            self.money.append(0)
            self.people.append(set())
        return self.number[key]

    def read(self, figures, is_total):
        """Take figures (name: unknowns, with their sign) as published; `is_total` says of a name what all may know."""
        self.figures, values = figures, []
        rows, columns, signs = [], [], []
        for i, terms in enumerate(figures.values()):
            for unknown, sign in terms:
                rows.append(unknown)
                columns.append(i)
                signs.append(sign)
            values.append(sum(sign * self.money[unknown] for unknown, sign in terms))
        self.in_figures = csr_array((signs, (rows, columns)), shape=(len(self.money), len(values)), dtype=float)
        self.values = np.array(values, dtype=float)
        self.is_total = np.array([is_total(name) for name in figures])

    def few(self, parts, k):
        """Of sets of unknowns, those that hold money of fewer than k people, and of not all people there are."""
        people = {name: set().union(*(self.people[i] for i in some)) for name, some in parts.items()}
        owners = {}
        for name, some in people.items():
            owners.setdefault(name[:-1], set()).update({name[-1]} if some else ())
        worth = {name: sum(self.money[i] for i in some) for name, some in parts.items()}
        small = (name for name in sorted(parts, key=repr) if len(people[name]) < k and worth[name])
        return {name: parts[name] for name in small if len(owners[name[:-1]]) > 1}

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


def told(intruder, secrets, most):
    """What an intruder finds of some of the secrets, and could not tell from the totals alone that all may know."""
    names = list(secrets)[:: len(secrets) // most + 1]
    found = intruder.recipes({name: secrets[name] for name in names})
    known = intruder.recipes({name: secrets[name] for name in found}, only_totals=True)
    return {name: recipe for name, recipe in found.items() if name not in known}
