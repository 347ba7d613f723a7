"""What is left of an error budget, in words."""

from __future__ import annotations


def what_is_left(left: float) -> str:
    """What is left of an error budget (1: all of it, 0: nothing, below: overspent), as part of a sentence."""
    if left >= 0.005:
        return f"{left:.0%} of the error budget is left"
    if left > -0.005:
        return "the error budget is used up"
    return f"{times(1 - left)} times the error budget is spent"


def times(number: float) -> str:
    return f"{number:,.1f}" if number < 10 else f"{number:,.0f}"
