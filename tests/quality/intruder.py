"""An intruder who keeps some versions of the published tables and seeks sums of their figures that give a cell away.

Written from what small cells promise, not from how they are made. What he finds is a recipe: figures to add and to
subtract, of which every cell's money is in no more than the secret has, or in no less. So a finding can be checked by
adding up. He knows what kinds of touches a figure could count (cells step, and he knows how), and of none where it is.
"""

from collections import defaultdict
from itertools import product

from tests.quality.figures import Figures, told
from tests.quality.histories import TABLES
from tests.quality.shops import MODELS

FINER = TABLES[1:]
WAITING = ((0, 0, 0, 0), True)


class Intruder(Figures):
    """Unknowns are a campaign's money in a column of a finer table, by what the kept versions did with it."""

    def __init__(self, history, versions, model, measure):
        super().__init__()
        self.history, self.versions = history, versions
        self.model, self.measure = MODELS.index(model), measure
        self._look()
        self.read(self._figures(), lambda name: name[0] in ("total", "same"))

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
                            self.unknown((table, cell, column, fate))

    def _shown(self, table, cell, fate):
        """The versions in which money of a fate is in a figure of a finer table, and that figure's name."""
        for version, seen in zip(self.versions, fate, strict=True):
            if seen and (level := seen[0][TABLES.index(table)]):
                own, other = (cell[0], "(other)") if table == "segment" else (cell, (cell[0], "(other)"))
                yield version, own if level == 2 else other

    def _count(self, table, fate, one):
        number = self.unknown((table, (one.channel, one.campaign), getattr(one, table), fate))
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
        parts = defaultdict(list)
        for (table, cell, column, fate), number in self.number.items():
            owner = cell[:1] if table == "segment" else cell  # segments are shown by channel alone
            since = next(version for version, seen in zip(self.versions, fate, strict=True) if seen)
            holds = [version for version, seen in zip(self.versions, fate, strict=True) if seen and seen[1]]
            names = [("holds", version) for version in holds] + [("came", since)] * bool(holds)
            for name in names:
                parts[table, *name, column, owner].append(number)
                if table == "day":
                    parts["month", *name, owner].append(number)
        return self.few(parts, self.history.k)


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
    return told(intruder, intruder.secrets(), most)
