"""Rows of a report that say other rows' cost again: sums of them, and a campaign's cost at each of its conversions."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add

import polars as pl

from ingestion.sources.tabular.numbers import SCALE
from ingestion.sources.tabular.recognise import Parts
from ingestion.sources.tabular.table import Table, Verdicts

_KINDS = ("ages", "genders", "devices", "platforms", "placements", "networks", "countries", "regions", "ads", "ad sets")
_WORDS = (
    "total", "totals", "subtotal", "grand total", "overall", "all", *(f"all {kind}" for kind in _KINDS), "alle",
    "gesamt", "summe", "insgesamt", "tous", "toutes", "todos", "todas", "tutti", "tutte", "totale", "totaal", "alles",
)  # fmt: skip
_SPELLINGS = sorted({spell(word) for word in _WORDS for spell in (str.lower, str.upper, str.title, str.capitalize)})
_HALF_A_CENT = 5 * 10 ** (SCALE - 3)
# By which a platform breaks down what came of the clicks, but never what they cost.
_CONVERSIONS = ("action_type", "actions.action_type", "conversion_type", "conversion_action", "conversion_action_name",
                "conversion_name", "conversion_category", "conversion_event", "conversion_event_name",
                "segments.conversion_action", "segments.conversion_action_name")  # fmt: skip
_COUNTS = ("impressions", "clicks")
_GROUP = ("date", "campaign_id", "campaign_name", "account", "currency")


def are_sums(table: Table, money: Callable[[], pl.Series]) -> pl.Series:
    """Which rows of cost only sum up others, as reports with several breakdowns have them.

    Such a row says "All" or "Total" in a column that tells a campaign's rows apart. An ad set may be called so as well,
    so it is a sum only if all such rows of the campaign and day, of those with as many of these words, come to what the
    rows without any come to, but for what rounding makes of it.
    """
    mapped = {one for place in table.known.places.values()
              for one in ((*place.plus, *place.minus) if isinstance(place, Parts) else (place,))}  # fmt: skip
    places = [place for place in range(len(table.known.header.names)) if place not in mapped]
    says_so = [found for place in places if (found := table.raw(place).is_in(_SPELLINGS).fill_null(False)).any()]
    if not says_so:
        return pl.repeat(False, len(table.frame), eager=True)
    level = reduce(add, (one.cast(pl.Int32) for one in says_so))
    texts = {name: table.text(name) for name in _GROUP}
    rows = pl.DataFrame({"level": level, "money": money(), **texts})
    is_part = pl.col("level") == 0
    parts = pl.col("money").filter(is_part).sum().over(_GROUP)
    count = is_part.sum().over(_GROUP)
    of_level = pl.col("money").sum().over(*_GROUP, "level")
    rounded = (count + 1) * _HALF_A_CENT
    return rows.select(~is_part & (count > 0) & ((of_level - parts).abs() <= rounded)).to_series().fill_null(False)


def is_summary(table: Table, money: pl.Series) -> pl.Series:
    """The one row without a campaign, where it has the cost of all others together: a sum, whatever day it names."""
    is_nameless = table.text("campaign_id").is_null() & table.text("campaign_name").is_null()
    others = money.filter(~is_nameless)
    is_sum = is_nameless & (money == others.sum()).fill_null(False)
    is_one = is_nameless.sum() == 1 and len(others) > 0
    return is_sum if is_one else pl.repeat(False, len(money), eager=True)


def refuse_repeated(table: Table, verdicts: Verdicts, money: pl.Series) -> None:
    """Refuse rows of several conversions of a campaign and day that all say the same cost: it is spent once.

    Which of the rows are of one ad nothing says, so that none of them is left to stand for all.
    """
    for place in (found for name in _CONVERSIONS for found in table.known.header.places(name)):
        rows = pl.DataFrame({
            "money": money, "what": table.raw(place), **{name: table.text(name) for name in (*_GROUP, *_COUNTS)},
        })  # fmt: skip
        alike = [*_GROUP, *_COUNTS, "money"]
        is_again = (pl.col("what").n_unique().over(alike) > 1) & (pl.col("money") != 0)
        is_repeated = rows.select(is_again).to_series().fill_null(False)
        verdicts.refuse_where(is_repeated, "repeated_cost", table.known.header.names[place])
