"""The maps of cells as dbt's Python models return them; what they get are relations of the models they refer to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from quality.cells import carried_campaigns, daily_cells, month_cells, segment_cells, touch_cells
from quality.disclosure import Cell, Credit

Relation = duckdb.DuckDBPyRelation
_MONTH = "cast(date_trunc('month', ordered_on) as date)"
_CELL = ("channel", "campaign", "published_channel", "published_campaign")


@dataclass(frozen=True)
class Rules:
    """What the run is told: k, the months of its orders, and the days of their touches."""

    k: int
    first_month: date
    last_month: date
    first_touch_day: date
    last_touch_day: date

    @classmethod
    def of(cls, relation: Relation) -> Rules:
        """The one row of ``int_privacy__rules``."""
        row = relation.fetchone()
        assert row
        return cls(*row)

    @property
    def in_months(self) -> str:
        """The condition for credits of the window's months."""
        return f"ordered_on between date '{self.first_month}' and last_day(date '{self.last_month}')"


def by_model(touch_credits: Relation, where: str, more: str = "") -> Relation:
    """The rows of ``int_attribution__touch_credits`` that meet a condition, one per attribution model that gives money.

    Args:
        touch_credits: a relation with the columns of that table.
        more: other columns to keep.
    """
    amounts = ("revenue_cents", "refund_cents", "cogs_cents", "conversion_millionths")
    of_models = ", ".join(f"unnest(map_values({name}::map(varchar, bigint))) as {name}" for name in amounts)
    columns = f"channel, campaign, ordered_on, touched_on, buyer_id{more}"
    rows = touch_credits.filter(where).project(
        f"{columns}, unnest(struct_keys(revenue_cents)) as attribution_model, {of_models}"
    )
    return rows.filter(" or ".join(f"{name} != 0" for name in amounts))


def read_credits(credits: Relation, k: int, column: str) -> list[Credit]:
    """Credits by campaign, column, month of the order and model, with as many buyers as tell whether there are k.

    Args:
        credits: a relation with the columns of :func:`by_model`.
        column: an expression: what the columns of the table to be published are, such as ``ordered_on``.
    """
    by_buyer = credits.aggregate(f"""
        channel, campaign, {column} as period, {_MONTH} as month, attribution_model, buyer_id,
        sum(conversion_millionths) as conversions, sum(revenue_cents) as revenue, sum(refund_cents) as refunds,
        sum(cogs_cents) as cogs""")
    rows = by_buyer.aggregate(f"""
        channel, campaign, period, month, attribution_model, min(buyer_id, {k}) as buyers,
        cast(count(*) as bigint) as buyer_count, cast(sum(conversions) as bigint), cast(sum(revenue) as bigint),
        cast(sum(refunds) as bigint), cast(sum(revenue - refunds) as bigint), cast(sum(cogs) as bigint),
        cast(sum(revenue - refunds - cogs) as bigint)""").fetchall()
    return [
        Credit((channel, campaign), period, month, model, frozenset(buyers), count, tuple(amounts))
        for channel, campaign, period, month, model, buyers, count, *amounts in rows
    ]


def monthly(touch_credits: Relation, rules: Relation) -> pa.Table:
    """The rows of ``int_privacy__monthly_cells``."""
    rule = Rules.of(rules)
    credits = by_model(touch_credits, rule.in_months)
    totals, days, touches = (
        _by_month(read_credits(credits, rule.k, column)) for column in (_MONTH, "ordered_on", "touched_on")
    )
    rows = [
        (month, *cell, *place)
        for month in sorted(totals)
        for cell, place in sorted(month_cells(totals[month], days[month], touches[month], rule.k).items())
    ]
    return _table(rows, ("month", *_CELL))


def daily(touch_credits: Relation, months: Relation, rules: Relation) -> pa.Table:
    """The rows of ``int_privacy__daily_cells``."""
    rule, cells = Rules.of(rules), _cells(months)
    credits = read_credits(by_model(touch_credits, rule.in_months), rule.k, "ordered_on")
    rows: list[tuple[Any, ...]] = []
    for month, of_month in sorted(_by_month(credits).items()):
        places = daily_cells(of_month, cells[month], rule.k)
        rows += [(day, *cell, *place) for (day, cell), place in places.items()]
    return _table(rows, ("date", *_CELL))


def by_touch(touch_credits: Relation, months: Relation, rules: Relation) -> pa.Table:
    """The rows of ``int_privacy__touch_cells``."""
    rule, cells = Rules.of(rules), _cells(months)
    days = f"between date '{rule.first_touch_day}' and date '{rule.last_touch_day}'"
    touches = read_credits(by_model(touch_credits, f"touched_on {days} or ordered_on {days}"), rule.k, "touched_on")
    by_month: dict[date, list[Credit]] = defaultdict(list)
    for one in touches:
        by_month[one.column.replace(day=1)].append(one)
    rows: list[tuple[Any, ...]] = []
    for month in sorted(by_month):
        if rule.first_touch_day <= month <= rule.last_touch_day:
            carried = carried_campaigns(touches, month, rule.k)
            places = touch_cells(by_month[month], carried, cells, rule.k)
            rows += [(day, *cell, *place) for (day, cell), place in places.items()]
    return _table(rows, ("date", *_CELL))


def by_segment(touch_credits: Relation, segments: Relation, months: Relation, rules: Relation) -> pa.Table:
    """The rows of ``int_privacy__segment_cells``."""
    rule, cells = Rules.of(rules), _cells(months)
    of_segments = touch_credits.filter(rule.in_months).join(segments.select("order_id", "segment"), "order_id")
    credits = read_credits(by_model(of_segments, "true", ", segment"), rule.k, "segment")
    rows: list[tuple[Any, ...]] = []
    for month, of_month in sorted(_by_month(credits).items()):
        places = segment_cells(of_month, cells[month], rule.k)
        rows += [(month, segment, *cell, *place) for (segment, cell), place in places.items()]
    return _table(rows, ("month", "segment", "channel", "campaign", "published_segment", "published_channel"))


def carried_on(session: duckdb.DuckDBPyConnection, this: Any, fresh: pa.Table) -> Relation:
    """The fresh rows after those of the model's table that the pre-hook left.

    dbt builds a Python model as a whole table. It gets a relation of its own session, since it could not see others.
    """
    place = [this.database, this.schema, this.identifier]
    tables = "select 1 from duckdb_tables() where (database_name, schema_name, table_name) = (?, ?, ?)"
    is_known = session.execute(tables, place).fetchall()
    rows = session.from_arrow(fresh)
    columns = ", ".join(fresh.column_names)  # of which a later one may stand last in the table
    return session.sql(f"select {columns} from {this}").union(rows) if is_known else rows


def _by_month(credits: Iterable[Credit]) -> dict[date, list[Credit]]:
    found: dict[date, list[Credit]] = defaultdict(list)
    for one in credits:
        found[one.month].append(one)
    return found


def _cells(months: Relation) -> dict[date, dict[Cell, Cell]]:
    found: dict[date, dict[Cell, Cell]] = defaultdict(dict)
    for month, channel, campaign, *place in months.select("month", *_CELL).fetchall():
        found[month][channel, campaign] = (place[0], place[1])
    return found


def _table(rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> pa.Table:
    schema = pa.schema([(name, pa.date32() if name in ("date", "month") else pa.string()) for name in names])
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema)
