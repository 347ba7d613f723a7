"""What is left of an error budget, in words."""

from __future__ import annotations


def what_is_left(left: float) -> str:
    """What is left of an error budget (1: all of it, 0: nothing, below: overspent), as part of a sentence."""
    if left >= 0.01:
        return f"{left:.0%} of the error budget is left"
    if left > 0:
        return "less than 1% of the error budget is left"
    if left > -0.05:
        return "the error budget is used up"
    return f"{times(1 - left)} times the error budget is spent"


def cell(left: float) -> str:
    """The same for a column of a table."""
    if left > 0:
        return f"{left:.0%}" if left >= 0.01 else "< 1%"
    return "0%" if left > -0.05 else f"0% ({times(1 - left)} times spent)"


def times(number: float) -> str:
    return f"{number:,.1f}" if number < 10 else f"{number:,.0f}"
