"""The differencing attack over many versions: a linear programme over everything that any of them publishes."""

from collections import defaultdict

from tests.quality.attack import Sums
from tests.quality.shops import MODELS

COLUMNS = {"day": "day", "touch": "touch", "segment": "segment"}


class VersionsAttack(Sums):
    """What somebody can tell who keeps all versions and knows how cells step.

    Unknowns are *atoms*: what a campaign has in a column of a finer table of the rows that were there in the same
    versions, at the same levels. The intruder knows how many kinds of atoms there are, and of none what is in it.
    Every published figure of every version is a sum of atoms, and so is the region's total of each day.
    """

    def __init__(self, history, model, measure, versions=None, only_totals=False):
        self.model, self.measure = MODELS.index(model), measure
        self.k = history.k
        self.versions = versions or list(range(len(history.published)))
        super().__init__()
        self.buyers = []
        credits = {}
        shown = defaultdict(dict)
        for version in self.versions:
            for key, (levels, is_current) in history.published[version].items():
                shown[key][version] = (tuple(levels.items()), is_current)
                credits.setdefault(key, history.credits[key])
        for key, life in sorted(shown.items(), key=lambda one: repr(one[0])):
            one = credits[key]
            lives = tuple(sorted(life.items()))
            for table, column in COLUMNS.items():
                place = getattr(one, column)
                self._add(table, (one.channel, one.campaign), place, lives, one)
        self._spread()
        for (table, cell, column, lives), number in self.numbers.items():
            self._sum(table, cell, column, dict(lives), number, only_totals)
            self._link(table, cell, lives, number)

    def _add(self, table, cell, column, lives, one):
        key = (table, cell, column, lives)
        if key not in self.numbers:
            self.numbers[key] = len(self.truth)
            self.truth.append(0.0)
            self.buyers.append(set())
        if one is None:
            return
        number = self.numbers[key]
        amount = float(one.amounts[self.model, self.measure])
        self.truth[number] += amount
        if one.amounts[self.model].any():
            self.buyers[number].add(one.buyer)

    def _spread(self):
        """What is hidden could be in any column, and any campaign could have some that waits for good."""
        for table in COLUMNS:
            columns = {key[2] for key in self.numbers if key[0] == table}
            lives = {(key[1], key[3]) for key in self.numbers if key[0] == table}
            last = self.versions[-1]
            for cell in {cell for cell, _ in lives}:
                for first in self.versions:
                    waits = ((t, 0) for t in ("month", "day", "touch", "segment"))
                    waits = tuple(waits)
                    lives.add((cell, tuple((v, (waits, True)) for v in self.versions if first <= v <= last)))
            for cell, life in lives:
                if all(dict(levels)[table] == 0 for _, (levels, _) in life):
                    for column in columns:
                        self._add(table, cell, column, life, None)

    def _sum(self, table, cell, column, life, number, only_totals):
        for version, (levels, is_current) in life.items():
            levels = dict(levels)
            if table == "day" and is_current:
                self.sums["total", version, column].append((number, 1))
            if table == "touch" and is_current:
                self.sums["touch total", version, column].append((number, 1))
            if only_totals:
                continue
            names = {2: cell, 1: (cell[0], "(other)")}
            if table == "segment":
                names = {2: cell[0], 1: "(other)"}
            if levels[table]:
                self.sums["cell", table, version, column, names[levels[table]]].append((number, 1))
            if table == "day" and levels["month"]:
                place = cell if levels["month"] == 2 else (cell[0], "(other)")
                self.sums["cell", "month", version, place].append((number, 1))

    def _link(self, table, cell, lives, number):
        """All tables tell of the same credits: what a campaign has with one history is the same in each."""
        for other in ("touch", "segment"):
            if table in ("day", other):
                self.sums["equal", other, cell, lives].append((number, 1 if table == "day" else -1))

    def secrets(self):
        """Sets of atoms that rest on fewer than k buyers: a campaign's day, its month, and what came with a version."""
        groups, people = defaultdict(list), defaultdict(set)
        for (table, cell, column, lives), number in self.numbers.items():
            life = dict(lives)
            cell = cell[:1] if table == "segment" else cell  # no table has campaigns by segment
            names = [(table, "arrived", cell, column, min(life))]
            if table == "day":
                names += [("month", "arrived", cell, min(life))]
            for version in self.versions:
                if version in life and life[version][1]:
                    names.append((table, version, cell, column))
                    if table == "day":
                        names.append(("month", version, cell))
            for name in names:
                groups[name].append(number)
                people[name] |= self.buyers[number]
        return {name: numbers for name, numbers in groups.items() if len(people[name]) < self.k}


def attack(history, model, measure, versions=None, most=None):
    """What comes out of versions, and not of the totals of their days alone."""
    if len({(one.channel, one.campaign) for one in history.credits.values()}) == 1:
        return []  # the region's totals are its own
    full = VersionsAttack(history, model, measure, versions)
    secrets = full.secrets()
    names = sorted(secrets, key=repr)
    found = full.come_out({name: secrets[name] for name in (names[:: len(names) // most + 1] if most else names)})
    if found:
        totals = VersionsAttack(history, model, measure, versions, only_totals=True)
        secrets = totals.secrets()
        told = set(totals.come_out({name: secrets[name] for name in found}))
        found = [name for name in found if name not in told]
    return found


def small_moves(history):
    """Figures of named cells that differ between two versions by fewer than k buyers, or rest on so few."""
    found = []
    shown = [defaultdict(set)]
    for version in history.published:
        cells = defaultdict(set)
        for key, (levels, _) in version.items():
            one = history.credits[key]
            for table, level in levels.items():
                if level:
                    column = getattr(one, table, None)
                    name = one.channel if table == "segment" else (one.channel, one.campaign)
                    other = "(other)" if table == "segment" else (one.channel, "(other)")
                    cells[table, column, name if level == 2 else other].add(key)
        shown.append(cells)
    pairs = [(i, j) for j in range(len(shown)) for i in range(max(0, j - 3), j)]
    for first, second in pairs:
        for name in sorted({*shown[first], *shown[second]}, key=repr):
            moved = shown[first][name] ^ shown[second][name]
            for model in range(len(MODELS)):
                buyers = {
                    history.credits[key].buyer % 10**6 for key in moved if history.credits[key].amounts[model].any()
                }
                if 0 < len(buyers) < history.k:
                    found.append((first, second, name, MODELS[model], len(buyers)))
    return found
