"""The registry of exports that are known by their header: one small file for each tool, found by being here.

A module of this package has one :class:`Preset` as ``PRESET`` or several as ``PRESETS``; nothing else names it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, Literal

import polars as pl

from settings import UnknownValueError


@dataclass(frozen=True)
class Amount:
    """Money that a file gives in parts: the sum of some columns less that of others; an absent cell counts as 0.

    All of the columns have to be there: without one of those in `minus` the amount would be gross.
    """

    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()


# One of our columns in the tool's words: a name, several of which the first that is there counts, or an amount.
Place = str | tuple[str, ...] | Amount


@dataclass(frozen=True)
class Preset:
    """How one tool writes one kind of table.

    Names of columns are the tool's own, as documented; they are matched ignoring case, blanks, ``_``, ``-`` and a
    currency in brackets, whose code then is the currency.
    """

    name: str
    kind: Literal["spend", "ledger"]
    tool: str  # as people call it
    export: str  # what to export, and where in the tool
    documented_at: str  # where the tool defines these columns
    signature: tuple[str, ...]  # columns by which the export is recognised: all of them are there
    columns: Mapping[str, Place]  # ours (settings/sources.py, COLUMNS): theirs
    platforms: tuple[str, ...] = ()  # of spend: the folders it belongs in; none: any
    lacks: tuple[str, ...] = ()  # columns that tell it from a preset with the same signature: none of them is there
    optional: tuple[str, ...] = ()  # of our required columns, those that this export need not have
    decimal: Literal[",", "."] | None = None  # where the tool always writes the same
    date_formats: tuple[str, ...] = ()  # besides ISO 8601 and dates with the month's English name
    has_titles: bool = False  # lines above the header
    has_days: bool = False  # a row is for one day although its column is called as the beginning of a period
    has_summary: bool = False  # one row, without a campaign, may sum up the others
    footers: tuple[str, ...] = ()  # how undated lines below the rows begin, besides "Total"
    status: Mapping[str, str] = field(default_factory=dict)  # the tool's words in lower case: ours
    has_lines: bool = False  # a row is an item of an order
    postings: str = ""  # a column that `prepare` makes: of each row `payment` or `return`; with `has_lines`
    is_utc: bool = False  # moments without an offset are in UTC, not in the region's time zone
    only_if_named: str = ""  # why it is read only where the configuration names it, since what it gives is not net
    prepare: Callable[[pl.DataFrame], pl.DataFrame] | None = None  # of text by the tool's own names, before the map
    uses: tuple[str, ...] = ()  # columns that `prepare` reads besides those of the signature; null where absent
    needs: tuple[str | tuple[str, ...], ...] = ()  # of these, columns without which an amount would be wrong, or any of
    notes: str = ""  # what becomes what, where the map alone does not say it
    sample: str = ""  # a file as the tool writes it, made up
    sample_suffix: str = "csv"
    sample_currency: str | None = None  # which the configuration has to give for the sample
    gives: tuple[tuple[Any, ...], ...] = ()  # what the sample gives, a row each; see tests/ingestion/sources/presets


@cache
def presets() -> dict[str, Preset]:
    """All presets by name."""
    found: dict[str, Preset] = {}
    for module in pkgutil.iter_modules(__path__):
        contents = import_module(f"{__name__}.{module.name}")
        for one in getattr(contents, "PRESETS", None) or (contents.PRESET,):
            found[one.name] = one
    return found


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        UnknownValueError: there is none.
    """
    if name not in presets():
        raise UnknownValueError("preset", name, list(presets()))
    return presets()[name]
