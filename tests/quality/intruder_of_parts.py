"""The intruder, over the tables that divide a month into parts: orders by currency, by fate, by cohort and channel.

He keeps some versions of such a table, and knows of each what all its parts come to together, since that is published
elsewhere: the month's orders, what channel (unattributed) shows, what the table of segments does.
"""

from collections import defaultdict

from tests.quality.figures import Figures, told

WAITING = (0, True)


class IntruderOfParts(Figures):
    """Unknowns are a part's money by what the kept versions did with it."""

    def __init__(self, history, versions, model, measure):
        """`model` is the number of one that the table divides by."""
        super().__init__()
        self.history, self.versions, self.model, self.measure = history, versions, model, measure
        self._look()
        self.read(self._figures(), lambda name: name[0] == "total")

    def _look(self):
        """Number the unknowns: what there is, and all that there could be as far as he can tell."""
        fates = defaultdict(set)
        for item, buyer in self.history.buyers.items():
            *_, kin, cell, amounts = item
            fate = tuple(self.history.published[version].get(item) for version in self.versions)
            if any(fate):
                fates[kin, cell].add(fate)
                number = self.unknown(((kin, cell), fate))
                self.money[number] += amounts[self.model][self.measure]
                if any(amounts[self.model]):
                    self.people[number].add(buyer)
        shown = {one for cell, fate in self.number for one in self._shown(cell, fate)}
        size = len(self.versions)
        waiting = {(None,) * start + (WAITING,) * (size - start) for start in range(size)}
        for cell, some in fates.items():
            for fate in {other for one in some for other in _others(one)} | waiting:
                if shown.issuperset(self._shown(cell, fate)):
                    self.unknown((cell, fate))

    def _shown(self, cell, fate):
        """The versions in which money of a fate is in a part's figure, and the figure's name."""
        for version, seen in zip(self.versions, fate, strict=True):
            if seen and seen[0]:
                yield version, cell if seen[0] == 2 else (cell[0], "(other)")

    def _figures(self):
        found = defaultdict(list)
        for (cell, fate), number in self.number.items():
            for one in self._shown(cell, fate):
                found["part", *one].append((number, 1))
            for version, seen in zip(self.versions, fate, strict=True):
                if seen and seen[1]:
                    found["total", version].append((number, 1))
        return dict(found)

    def secrets(self):
        """Parts of fewer than k buyers: what they hold, what of them waits, and what came to them since."""
        parts = defaultdict(list)
        for (cell, fate), number in self.number.items():
            lives = [(version, seen) for version, seen in zip(self.versions, fate, strict=True) if seen]
            names = [("holds", version) for version, seen in lives if seen[1]]
            names += [("came", lives[0][0])] * bool(names)
            names += [("waits", version) for version, seen in lives if seen == WAITING]
            for name in names:
                parts[*name, cell].append(number)
        return self.few(parts, self.history.k)


def _others(fate):
    """What else a fate could have been: what still holds could have come at another time before it was shown."""
    yield fate
    named = next((i for i, seen in enumerate(fate) if seen and seen[0]), None)
    if named is not None and all(seen and seen[1] for seen in fate[named:]):
        for came in range(named + 1):
            yield (None,) * came + (WAITING,) * (named - came) + fate[named:]


def found_by(history, versions, model, measure, most=40):
    """What the intruder finds in some versions and could not tell from what all parts come to."""
    intruder = IntruderOfParts(history, versions, model, measure)
    return told(intruder, intruder.secrets(), most)
