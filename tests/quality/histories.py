"""The versions of a made-up shop that grows day by day, with late orders, refunds, cancellations and erasures."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from quality.changes import Month
from quality.step_tables import held
from quality.stepping import step
from tests.quality.shops import MODELS, START

TABLES = ("month", "day", "touch", "segment")
GONE = 10**6


@dataclass
class Credit:
    """What one touch of an order is credited with, between two versions."""

    order: int
    channel: str
    campaign: str
    day: object
    touch: object
    segment: str
    buyer: int
    amounts: np.ndarray  # (model, measure)


def shop(seed, orders, days=6, channels=3, campaigns=3, skew=1.0, buyers=None, whale=False, start=START):
    """Orders as lists of credits by touch, each with the day on which it becomes known."""
    draw = np.random.default_rng(seed)
    names = [(f"c{c}", f"c{c}.{i}") for c in range(channels) for i in range(campaigns)]
    share = 1 / np.arange(1, len(names) + 1) ** skew
    share = draw.permutation(share / share.sum())
    found = []
    for number in range(orders):
        day = int(draw.integers(days))
        known = day + (int(draw.integers(1, days)) if draw.random() < 0.15 else 0)
        revenue = int(draw.lognormal(8.5, 0.7)) * (200 if whale and number == 0 else 1)
        path = [names[draw.choice(len(names), p=share)] for _ in range(draw.integers(1, 4))]
        ages = sorted((int(draw.integers(0, 4)) for _ in path), reverse=True)
        segment = ("new", "repeat", "unknown")[draw.choice(3, p=[0.6, 0.35, 0.05])]
        buyer = int(draw.integers(buyers or orders))
        touches = []
        for i, (name, age) in enumerate(zip(path, ages, strict=True)):
            weights = [i == 0, i == len(path) - 1, 1 / len(path), 1 / len(path)]
            amounts = np.array([[int(revenue * w), 0, int(1_000_000 * w)] for w in weights])
            on = start + timedelta(day)
            touches.append(Credit(number, *name, on, on - timedelta(age), segment, buyer, amounts))
        found.append((known, touches))
    return found


def versions(seed, orders, days=6, more=3, refunds=0.15, cancelled=0.05, erased=0.1, **sizes):
    """Lists of credits, a version a day and some more in which only late changes come."""
    draw = np.random.default_rng(seed + 1)
    known = shop(seed, orders, days=days, **sizes)
    fate = draw.random(len(known))
    when = draw.integers(1, days + more, len(known))
    people = sorted({touches[0].buyer for _, touches in known})
    leaves = {one: int(draw.integers(1, days + more)) for one in people if draw.random() < erased}
    for version in range(days + more):
        rows = []
        for (at, touches), kind, changes in zip(known, fate, when, strict=True):
            is_changed = at <= version and changes <= version
            if at > version or (is_changed and kind < cancelled):
                continue
            for one in touches:
                amounts, buyer = one.amounts, one.buyer
                if is_changed and cancelled <= kind < cancelled + refunds:
                    amounts = amounts.copy()
                    amounts[:, 1] = amounts[:, 0]
                if leaves.get(one.buyer, version + 1) <= version:
                    buyer = GONE + one.buyer
                rows.append(
                    Credit(one.order, one.channel, one.campaign, one.day, one.touch, one.segment, buyer, amounts)
                )
        yield rows


class History:
    """What is published of one version after another, and what is kept between them."""

    def __init__(self, k, steps=True):
        """Without `steps` each version is drawn anew, as if there had been none before."""
        self.k, self.steps = k, steps
        self.rows = {}  # what one touch of an order is, in one version of it: its credit, levels and numbers
        self.published = []  # by version: {row: levels}, and the rows that are current
        self.kept = []  # by version: the rows as they were then
        self.proofs = []
        self.credits = {}  # every row that ever was

    def restore(self, version):
        """Go on from the file that stood when a version was published; what was published since stays published."""
        self.rows = {key: dict(row) for key, row in self.kept[version].items()}
        return self

    def publish(self, credits, is_held=False):
        """`is_held`: without a step, as in the first build after a restore."""
        number = len(self.published) + 1
        current = {}
        for i, one in enumerate(credits):
            current[self._identity(one, i)] = one
        self.credits.update(current)
        before = self.rows if self.steps else {}
        keys = sorted({*current, *(key for key, row in before.items() if row is not None)}, key=repr)
        month = self._month(keys, current, before, number)
        unchanged = before and set(current) == {key for key in keys if before.get(key) and before[key]["is_current"]}
        levels = month.levels
        if is_held:
            month.arrived = held(month)
        elif not unchanged:
            done = step(month, self.k)
            levels = done.levels
            self.proofs.append(done.proof)
        rows = {}
        for i, key in enumerate(keys):
            mine = {table: int(levels[table][i]) for table in TABLES}
            if key in current or any(mine.values()):
                moved = mine["month"] != month.levels["month"][i]
                rows[key] = {
                    "credit": current.get(key) or before[key]["credit"], "levels": mine, "is_current": key in current,
                    "arrived": int(month.arrived[i]),
                    "stepped": 0 if not mine["month"] else number if moved else int(month.stepped[i]),
                }  # fmt: skip
        self.rows = rows
        self.kept.append(rows)
        self.published.append({key: (dict(row["levels"]), row["is_current"]) for key, row in rows.items()})
        return self

    @staticmethod
    def _identity(one, number):
        return (one.order, one.channel, one.campaign, one.touch, one.day, one.segment, one.amounts.tobytes())

    @staticmethod
    def _where(key):
        return key[:6]

    def _month(self, keys, current, before, number):
        credits = [current.get(key) or before[key]["credit"] for key in keys]
        old = [before.get(key) for key in keys]
        amounts = np.array([one.amounts for one in credits], dtype=float).reshape(len(keys), len(MODELS), 3)
        at = {self._where(key): i for i, key in enumerate(keys) if key not in current}
        replaces = np.array([at.get(self._where(key), -1) if key in current else -1 for key in keys], dtype=np.int64)
        return Month(
            replaces=replaces, campaign=_numbers([(one.channel, one.campaign) for one in credits]),
            channel=_numbers([one.channel for one in credits]),
            columns={name: _numbers([getattr(one, name) for one in credits]) for name in TABLES[1:]},
            buyer=_numbers([one.buyer for one in credits]),
            gives=(amounts != 0).any(axis=2), amounts=amounts,
            is_current=np.array([key in current for key in keys], dtype=bool),
            levels={t: np.array([row["levels"][t] if row else 0 for row in old], dtype=np.int64) for t in TABLES},
            arrived=np.array([row["arrived"] if row else number for row in old], dtype=np.int64),
            stepped=np.array([row["stepped"] if row else 0 for row in old], dtype=np.int64),
        )  # fmt: skip

    def named_share(self, model="linear"):
        """How much of the month's revenue stands under a named channel or campaign."""
        i = MODELS.index(model)
        whole = sum(row["credit"].amounts[i, 0] for row in self.rows.values() if row["is_current"])
        named = sum(row["credit"].amounts[i, 0] for row in self.rows.values() if row["levels"]["month"])
        return named / whole


def _numbers(values):
    order = {value: i for i, value in enumerate(sorted(set(values)))}
    return np.array([order[value] for value in values], dtype=np.int64)
