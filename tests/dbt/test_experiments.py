"""Holdout experiments: lift, its interval, and what it is worth, against plain Python."""

import hashlib
import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.transform import experiment_variables
from settings import Experiment
from tests.dbt.conftest import pseudonym

START, END, AFTER = date(2026, 6, 1), date(2026, 6, 14), date(2026, 6, 20)
BUILT = ("--select", "int_experiments__arms", "experiment_lift")
FIGURES = ("lift", "conversion_lift", "incremental_conversions", "incremental_revenue", "incremental_margin")


def told(**experiments):
    """Experiments as a build is told them."""
    defaults = {"channel": "Paid Social", "from": START, "to": END}
    return experiment_variables({name: Experiment(**(defaults | one)) for name, one in experiments.items()})


def rows(region, columns, where="true"):
    """The asked columns by experiment."""
    found = region.query(f"select experiment, {columns} from finance.experiment_lift where {where} order by experiment")
    return {experiment: tuple(rest) for experiment, *rest in found}


# --- the oracle ---------------------------------------------------------------------------------------------------


def t_quantile(confidence, degrees):
    """By bisection over Simpson's integral of Student's density."""
    if degrees > 1e6:
        return NormalDist().inv_cdf((1 + confidence) / 2)
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def within(t):
        x = np.linspace(0, t, 20_001)
        y = scale * (1 + x**2 / degrees) ** (-(degrees + 1) / 2)
        return 2 * (x[1] / 3) * (y[0] + y[-1] + 4 * y[1:-1:2].sum() + 2 * y[2:-1:2].sum())

    return bisect(lambda t: within(t) - confidence, 0, 100)


def bisect(function, low, high):
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if (function(middle) > 0) == (function(low) > 0) else (low, middle)
    return low


def ratio(amounts, bases):
    """A ratio of totals and its variance by leaving out one unit after the other."""
    amounts, bases, n = np.array(amounts, float), np.array(bases, float), len(amounts)
    without = (amounts.sum() - amounts) / (bases.sum() - bases)
    return amounts.sum() / bases.sum(), (n - 1) / n * ((without - without.mean()) ** 2).sum()


def oracle(treated, control, treated_bases=None, control_bases=None, confidence=0.95):
    """((lift, low, high), (increment, low, high)): Fieller's limits are where the difference is just significant."""
    bases = treated_bases or [1] * len(treated)
    (r1, v1), (r0, v0) = ratio(treated, bases), ratio(control, control_bases or [1] * len(control))
    degrees = (v1 + v0) ** 2 / (v1**2 / (len(treated) - 1) + v0**2 / (len(control) - 1)) if v1 + v0 else 1e9
    t = t_quantile(confidence, degrees)

    def excess(theta):
        return (r1 - theta * r0) ** 2 - t**2 * (v1 + theta**2 * v0)

    lift = r1 / r0
    ends = bisect(excess, lift - 50, lift) - 1, bisect(excess, lift, lift + 50) - 1
    half = t * math.sqrt(v1 + v0)
    total = sum(bases)
    return (lift - 1, *ends), tuple(total * (r1 - r0 + one) for one in (0, -half, half))


# --- shops --------------------------------------------------------------------------------------------------------


def late(region):
    """An order after everything, so that the experiments are over."""
    return [region.order(f"{AFTER} 12:00", f"late{n}", 1, user=f"late{n}") for n in range(1)]


def seen(region, person, variation, at=f"{START} 08:00", experiment="holdout", **columns):
    return region.event(
        at, type="track", event="Experiment Viewed", experiment=experiment, variation=variation,
        **({"user": person} | columns),
    )  # fmt: skip


def buy(region, person, cents, number=0, at=f"{START} 12:00", **columns):
    return region.order(at, f"{person}-{number}", cents, user=person, **columns)


@pytest.fixture
def by_hand(region):
    """Of 40 persons held out 20 buy for €10, of 40 others 30 for €12."""
    control = [1000] * 20 + [0] * 20
    treated = [1200] * 30 + [0] * 10
    events = late(region)
    for arm, amounts in (("Control", control), ("Ads", treated)):
        for n, cents in enumerate(amounts):
            events.append(seen(region, f"{arm}{n}", arm))
            events += [buy(region, f"{arm}{n}", cents)] if cents else []
    region.insert("events", events)
    region.insert("spend", [region.cost(START, "7", 5000, platform="meta_ads", name="summer")])
    return region, treated, control


HOLDOUT = {"control": ["control"]}


def build(dbt, region, experiments, *arguments, **variables):
    dbt.build(region, START - timedelta(days=40), AFTER, *arguments, experiments=experiments, **variables)


# --- what holds ---------------------------------------------------------------------------------------------------


def test_a_holdout_by_events_gives_the_figures_worked_out_by_hand(by_hand, dbt):
    region, treated, control = by_hand
    build(dbt, region, told(holdout=HOLDOUT))
    ((found,),) = [list(rows(region, "(lift, conversion_lift, treated_units, control_units, reason)").values())[0]]
    # €9 a person against €5; 30 orders of 40 against 20 of 40.
    assert found == (pytest.approx(0.8), pytest.approx(0.5), 40, 40, None)
    money = "incremental_conversions, incremental_revenue, incremental_margin, spend, incremental_romi, attributed_romi"
    # 40 × €4, half of it margin, on €50 of cost; no touch was ever seen, so attribution gives the channel nothing.
    assert rows(region, money)["holdout"] == (
        Decimal(10), Decimal(160), Decimal(80), Decimal(50), pytest.approx(0.6), -1.0,
    )  # fmt: skip
    (_, low, high), (_, least, most) = oracle(treated, control)
    found = rows(region, "lift_low, lift_high, incremental_revenue_low, incremental_revenue_high")["holdout"]
    assert found[:2] == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))
    assert [float(one) for one in found[2:]] == [
        pytest.approx(least / 100, abs=0.02),
        pytest.approx(most / 100, abs=0.02),
    ]
