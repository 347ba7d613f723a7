"""Lift and its intervals in plain Python, by other means than the models: integrals and bisection, no closed forms."""

import math

import numpy as np


def t_quantile(confidence, degrees):
    """By bisection over Simpson's integral of Student's density."""
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def within(t):
        x = np.linspace(0, t, 2001)
        y = scale * (1 + x**2 / degrees) ** (-(degrees + 1) / 2)
        return 2 * (x[1] / 3) * (y[0] + y[-1] + 4 * y[1:-1:2].sum() + 2 * y[2:-1:2].sum())

    return bisect(lambda t: within(t) - confidence, 0, 100)


def bisect(function, low, high):
    rises = function(high) > function(low)
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if (function(middle) > 0) == rises else (middle, high)
    return low


def ratio(amounts, bases):
    """A ratio of totals, and its variance by leaving out one unit after the other."""
    amounts, bases, n = np.array(amounts, float), np.array(bases, float), len(amounts)
    without = (amounts.sum() - amounts) / (bases.sum() - bases)
    return amounts.sum() / bases.sum(), (n - 1) / n * ((without - without.mean()) ** 2).sum()


def lift(treated, control, treated_bases=None, control_bases=None, confidence=0.95):
    """((lift, low, high), (increment, low, high)); Fieller's ends are where the difference is just significant."""
    bases = treated_bases or [1] * len(treated)
    (r1, v1), (r0, v0) = ratio(treated, bases), ratio(control, control_bases or [1] * len(control))
    degrees = (v1 + v0) ** 2 / (v1**2 / (len(treated) - 1) + v0**2 / (len(control) - 1))
    t = t_quantile(confidence, degrees)

    def excess(theta):
        return (r1 - theta * r0) ** 2 - t**2 * (v1 + theta**2 * v0)

    ends = (bisect(excess, r1 / r0 + way * 50, r1 / r0) - 1 for way in (-1, 1))
    increment = sum(bases) * (r1 - r0)
    half = sum(bases) * t * math.sqrt(v1 + v0)
    return (r1 / r0 - 1, *ends), (increment, increment - half, increment + half)
