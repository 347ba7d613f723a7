"""How near the released figures come.

A region of 200,000 persons and 20,000 orders a month at epsilon 1 and the default caps; the median relative error over
30 draws, against the truth before capping.
"""

from __future__ import annotations

import random
import time
from fractions import Fraction
from statistics import median

from privacy.release import CHANNELS, MEASURES, Credit, bounded, draw, half_width, scales
from settings import Privacy

PERSONS, ORDERS, DRAWS = 200_000, 20_000, 30
# Of touches: a shop that lives on search and direct visits, with a long tail.
WEIGHTS = {"Paid Search": 24, "Direct": 20, "Organic Search": 18, "Email": 10, "Paid Social": 9, "Paid Shopping": 6,
           "Organic Social": 4, "Referral": 3, "Affiliates": 2, "Display": 1, "(unattributed)": 3}  # fmt: skip


def month(seed: int) -> list[Credit]:
    """Orders of some 19,000 of the persons: a median of EUR 55, one in 200 above EUR 400; 5% refunded; one to four
    touches, linear credit.
    """
    rng = random.Random(seed)
    credits: list[Credit] = []
    for _ in range(ORDERS):
        person = rng.randrange(PERSONS)
        cents = round(100 * rng.lognormvariate(4.0, 0.77))
        net = 0 if rng.random() < 0.05 else cents
        touches = rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=rng.choice((1, 1, 2, 3, 4)))
        for index, channel in enumerate(touches):
            parts = [amount * (index + 1) // len(touches) - amount * index // len(touches) for amount in (10**6, net)]
            credits.append((person, channel, parts[0], parts[1]))
    return credits


def run() -> None:
    rules = Privacy()
    caps = {"conversions": rules.conversion_cap * 10**6, "net_revenue": int(rules.contribution_cap * 100)}
    credits = month(seed=5)
    truth = bounded(credits, dict.fromkeys(MEASURES, 10**18))
    begun = time.perf_counter()
    capped, noise = bounded(credits, caps), scales(caps, Fraction(1))
    print(f"bounding {len(credits):,} credits took {time.perf_counter() - begun:.2f} s")
    begun = time.perf_counter()
    draws = [draw(capped, noise) for _ in range(DRAWS)]
    print(f"a draw took {(time.perf_counter() - begun) / DRAWS:.4f} s")
    for measure, unit in (("conversions", 10**6), ("net_revenue", 100)):
        whole = sum(truth[measure])
        lost = 1 - sum(capped[measure]) / whole
        print(f"\n{measure}: {whole / unit:,.0f} in all, of which the caps take {lost:.2%}")
        off = median(abs(one.totals[measure] - whole) / whole for one in draws)
        width = half_width([noise[measure]], "total") / unit
        print(f"  {'region total':<16} off by {off:6.2%} (aim: at most 1%)   half-width {width:,.0f}")
        width = half_width([noise[measure]], "channels") / unit
        for channel in sorted(WEIGHTS, key=lambda one: -WEIGHTS[one]):
            index = CHANNELS.index(channel)
            true = truth[measure][index]
            off = median(abs(one.channels[measure][index] - true) / true for one in draws)
            aim = "(aim: at most 3%)" if true >= 0.05 * whole else ""
            print(f"  {channel:<16} off by {off:6.2%} {aim:<18} share {true / whole:5.1%}   half-width {width:,.0f}")
