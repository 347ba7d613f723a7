"""Money that a model loses or makes: the totals of finance's tables against each other and against what landed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from operator import add

import duckdb

from quality.landed_orders import Order

_MEASURES = ("revenue", "refunds", "cogs", "orders")


def unbalanced_days(
    con: duckdb.DuckDBPyConnection, from_day: date, to_day: date, orders: Iterable[Order], final: set[date]
) -> Iterator[tuple[date, str]]:
    """Days on which a model loses or makes money, then those whose totals are not what the landed data say.

    What events alone say of a day came too late for a final one, so of those only the ledger is asked, order by order.
    """
    totals = _sums(con, "date, ''", "orders", "orders_daily", from_day, to_day)
    by_model = _sums(con, "date, attribution_model", "conversions", "romi_daily", from_day, to_day)
    models = con.execute("select distinct attribution_model from finance.romi_daily order by all").fetchall()
    nothing = (Decimal(0),) * len(_MEASURES)
    for day in sorted({day for day, _ in totals.keys() | by_model.keys()}):
        # A model without a row for the day has lost everything; so has a table without any model.
        for (model,) in models or [("every model",)]:
            if name := _first_difference(by_model.get((day, model), nothing), totals.get((day, ""), nothing)):
                yield day, f"not conserved: {name} of {model} in romi_daily is not that of orders_daily"
    landed: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for order in orders:
        if order.cents:
            of_day = landed[order.day]
            of_day[:] = (*map(add, of_day, order.cents), of_day[3] + 1)
    for day in sorted(({day for day, _ in totals} | landed.keys()) - final):
        *cents, count = landed[day]
        expected = (*(Decimal(one).scaleb(-2) for one in cents), Decimal(count))
        if name := _first_difference(totals.get((day, ""), nothing), expected):
            yield day, f"{name} of orders_daily is not that of the landed ledger and events"


def _sums(
    con: duckdb.DuckDBPyConnection, grain: str, count: str, table: str, from_day: date, to_day: date
) -> dict[tuple[date, str], tuple[Decimal, ...]]:
    summed = con.execute(
        f"""select {grain}, sum(revenue), sum(refunds), sum(cogs), sum({count}) from finance.{table}
        where date between ? and ? group by all""", [from_day, to_day],
    ).fetchall()  # fmt: skip
    return {(day, model): tuple(measures) for day, model, *measures in summed}


def _first_difference(found: tuple[Decimal, ...], expected: tuple[Decimal, ...]) -> str | None:
    return next((name for name, one, other in zip(_MEASURES, found, expected, strict=True) if one != other), None)
