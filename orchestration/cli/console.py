"""Where text for people goes."""

from __future__ import annotations

import sys

from rich.console import Console

_WIDE = 10_000  # columns: a log or a pipe has no edge, so nothing of a table is cut there


def console(*, markup: bool = True) -> Console:
    """Standard output as it is now."""
    return Console(highlight=False, markup=markup, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
