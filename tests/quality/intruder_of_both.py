"""The intruder who reads two tables of one month together: its campaigns, with their days, and its currencies.

An order is in one cell of each, so what is unknown is the money of each campaign, day and currency together. Each
table's sums are figures, and so are the region's totals of days.
"""

from collections import defaultdict

from tests.quality.figures import Figures, told
from tests.quality.shops import MODELS

LAST = MODELS.index("last_touch")  # it credits one touch of an order, as a currency has the whole of it


def orders_of(credits, currency_of):
    """The items that the table of currencies divides, of the credits of a version."""
    rows = ((one, *map(int, one.amounts[LAST, :2])) for one in credits if one.amounts[LAST].any())
    return [(f"o{one.order}", 0, one.buyer, currency, currency, 1.0, revenue, refund)
            for one, revenue, refund in rows for currency in [currency_of(one.order)]]  # fmt: skip


class IntruderOfBoth(Figures):
    """Unknowns are the money of a campaign, day and currency by what the kept versions did with it in both tables."""

    def __init__(self, history, parts, versions, measure):
        super().__init__()
        self.k, self.versions = history.k, versions
        shown = defaultdict(lambda: [None, None])  # of an order as it once was: its rows in both tables
        for key, one in history.credits.items():
            if one.amounts[LAST].any():
                shown[f"o{one.order}", tuple(map(int, one.amounts[LAST, :2]))][0] = key, one
        for item in parts.buyers:
            order, currency, _, [amounts] = item
            shown[order, amounts][1] = item, currency
        campaigns, currencies, days = defaultdict(set), defaultdict(set), set()
        for (_, amounts), [(key, one), (item, currency)] in shown.items():
            rows = (history.published[version].get(key) for version in versions)
            first = tuple(row and ((row[0]["month"], row[0]["day"]), row[1]) for row in rows)
            second = tuple(parts.published[version].get(item) for version in versions)
            if any(first):
                number = self.unknown(((one.channel, one.campaign), one.day, currency, first, second))
                self.money[number] += amounts[measure]
                self.people[number].add(one.buyer)
                campaigns[one.channel, one.campaign] |= set(_others(first, ((0, 0), True)))
                currencies[currency] |= set(_others(second, (0, True)))
                days.add(one.day)
        seen = {name for key in self.number for name in self._shown(*key)}
        for cell, some in campaigns.items():
            for currency, more in currencies.items():
                for first in some:
                    for second in more:
                        if [one and one[1] for one in first] == [one and one[1] for one in second]:
                            for day in days:
                                if seen.issuperset(self._shown(cell, day, currency, first, second)):
                                    self.unknown((cell, day, currency, first, second))
        self._sum_up()

    def _shown(self, cell, day, currency, first, second):
        for version, of_cell, of_part in zip(self.versions, first, second, strict=True):
            for table, level in zip((None, day), of_cell[0] if of_cell else (), strict=False):
                if level:
                    yield "cell", version, table, cell if level == 2 else cell[:1]
            if of_part and of_part[0]:
                yield "part", version, currency

    def _sum_up(self):
        found = defaultdict(list)
        for key, number in self.number.items():
            for name in self._shown(*key):
                found[name].append((number, 1))
            for version, seen in zip(self.versions, key[3], strict=True):
                if seen and seen[1]:
                    found["total", version, key[1]].append((number, 1))
        self.read(dict(found), lambda name: name[0] == "total")

    def secrets(self):
        """Campaigns of the month and of a day, and currencies, of fewer than k buyers: what they hold and what came."""
        parts = defaultdict(list)
        for (cell, day, currency, first, _), number in self.number.items():
            lives = [(version, seen) for version, seen in zip(self.versions, first, strict=True) if seen]
            names = [("holds", version) for version, seen in lives if seen[1]]
            for name in [*names, ("came", lives[0][0])] if names else []:
                parts["month", *name, cell].append(number)
                parts["day", *name, day, cell].append(number)
                parts["currency", *name, currency].append(number)
        return self.few(parts, self.k)


def _others(fate, waiting):
    """What else a fate could have been: come at another time before it was shown, or still waiting."""
    yield fate
    size = len(fate)
    yield from ((None,) * start + (waiting,) * (size - start) for start in range(size))
    named = next((i for i, seen in enumerate(fate) if seen and seen != waiting), size)
    if all(seen and seen[1] for seen in fate[named:]):
        yield from ((None,) * came + (waiting,) * (named - came) + fate[named:] for came in range(named + 1))


def found_by(history, parts, versions, measure, most=12):
    """What the intruder finds in some versions of both tables, and could not tell from the totals of days alone."""
    intruder = IntruderOfBoth(history, parts, versions, measure)
    return told(intruder, intruder.secrets(), most)
