"""How many examples of what takes long are tried: few in the fast suite, all by `make test-all`."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings

FAST = "fast"  # the profile of the fast suite, see `tests/conftest.py`


def examples(whole: int, fast: int) -> int:
    """The number of examples of a property."""
    return fast if settings.get_current_profile_name() == FAST else whole


def some(values: Iterable[Any], fast: int) -> list[Any]:
    """Values of a parametrised test, of which all but the first few are slow."""
    found = list(values)
    slow = [pytest.param(*one, marks=pytest.mark.slow) if isinstance(one, tuple) else
            pytest.param(one, marks=pytest.mark.slow) for one in found[fast:]]  # fmt: skip
    return [*found[:fast], *slow]
