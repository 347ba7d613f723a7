"""Where text for people goes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 10_000  # columns: a log or a pipe has no edge, so nothing of a table is cut there


def console(*, markup: bool = True) -> Console:
    """Standard output as it is now."""
    from rich.console import Console

    return Console(highlight=False, markup=markup, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)


def wait_teller(as_json: bool) -> Callable[[str], None]:
    """What tells on standard error who is waited for; nothing where the output is for a machine."""
    return lambda line: None if as_json else click.echo(line, err=True)


def tell_problems(problems: list[str]) -> None:
    """Say on standard error what did not come to pass besides what a command was asked for."""
    for one in problems:
        click.echo(printable(one), err=True)


def printable(text: str) -> str:
    """Text that cannot steer a terminal, whoever wrote it."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def span(seconds: int | None) -> str:
    """A length of time for people; "-" for none."""
    if seconds is None:
        return "-"
    return f"{seconds} s" if 0 < seconds < 120 else f"{seconds // 3600} h {seconds % 3600 // 60} min"
