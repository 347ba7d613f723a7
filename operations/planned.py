"""`romi plan`: what the configuration, models and files as they are now would change in what is published.

The very run that would come next is made in a throwaway copy of the warehouse, so that what it would restate is what
the next run restates, in every cell. Nothing in the warehouse changes, and nothing of the privacy budget is spent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from operations.beside import check_room, copy_warehouse, figures_of, publishable, throwaway
from operations.finance_tables.published_tables import ADJUSTMENTS, FINANCE, RESTATEMENTS, Table, columns_of, in_sql
from operations.finance_tables.version_tables import quoted
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly
from operations.store.versions import current_version, version_dir
from settings import Settings

_MONEY = ("spend", "revenue", "refunds", "net_revenue", "cogs", "margin")
_ALL = "(all)"

# Given settings and configuration's file of a throwaway warehouse: what failed of its run, and which days it withheld.
Run = Callable[[Settings, Path], tuple[list[str], dict[str, dict[str, str]]]]


@dataclass(frozen=True)
class Moved:
    """What moves of a table in a month, channel and model: cents by measure, without those that stay."""

    table: str
    month: str
    region: str
    channel: str  # (all) where the table has none
    attribution_model: str  # (all) where the table has none
    cents: dict[str, int]
    why: str


@dataclass
class Plan:
    """What the next run would publish otherwise than it is published."""

    moved: list[Moved] = field(default_factory=list)
    restatements: list[dict[str, Any]] = field(default_factory=list)  # as finance.restatements would book them
    adjustments: list[dict[str, Any]] = field(default_factory=list)  # as finance.prior_period_adjustments
    new_days: dict[str, int] = field(default_factory=dict)  # by region: days that were not shown before
    withheld: dict[str, dict[str, str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    version: int | None = None  # what is published now
    is_new_version: bool = False

    @property
    def exit_code(self) -> int:
        return 1 if self.failures else 0


def plan(settings: Settings, run: Run, on_wait: OnWait = wait_quietly) -> Plan:
    """Find what the next run would change, in a copy.

    Raises:
        UsageError: there is no warehouse, nothing is published, or a version is pinned, so that no run publishes.
        LostStateError: the published version is not whole.
    """
    check_warehouse(settings)
    with throwaway(settings, figures_of(settings), settings.landing) as (made, config):
        with exclusive(settings, on_wait):
            current = publishable(settings)
            check_room(settings, 1)
            copy_warehouse(settings, made)
        found = Plan(version=current)
        found.failures, found.withheld = run(made, config)
        _compare(settings, made, found)
    return found


def _compare(settings: Settings, made: Settings, found: Plan) -> None:
    """Enter what the copy's version, if its run has made one, has otherwise than the published one."""
    version = current_version(made)
    if version is None or version == found.version:
        return
    found.is_new_version = True
    with duckdb.connect(str(version_dir(made, version) / "marts.duckdb"), read_only=True) as con:
        was = version_dir(settings, found.version or 0) / "marts.duckdb"
        con.execute(f"attach {quoted(was)} as was (read_only)")
        found.restatements = _booked(con, RESTATEMENTS, version)
        found.adjustments = _booked(con, ADJUSTMENTS, version)
        known = columns_of(con, "was")
        for table in FINANCE:
            if str(table) in known:
                found.moved += _moved(con, table, version, set(known[str(table)]))
        days = con.execute("""
            select region, count(*) from finance.orders_daily anti join was.finance.orders_daily using (region, date)
            group by region order by region""")
        found.new_days = dict(days.fetchall())


def _booked(con: duckdb.DuckDBPyConnection, table: Table, version: int) -> list[dict[str, Any]]:
    """What a version enters in one of the books of changes, in the order of its grain."""
    booked = con.execute(f"from {table} where version = ? order by {in_sql(table.grain)}", [version])
    names = [one[0] for one in booked.description or ()]
    return [dict(zip(names, row, strict=True)) for row in booked.fetchall()]


def _moved(con: duckdb.DuckDBPyConnection, table: Table, version: int, known: set[str]) -> list[Moved]:
    """The cells of the periods that are restated, added up by month, region, channel and model."""
    measures = [name for name in _MONEY if name in table.columns and name in known]
    if not table.period or not measures:
        return []
    rows = con.execute(_cells_moved(table, measures), {"version": version}).fetchall()
    return [
        Moved(
            table.name, f"{month:%Y-%m}", region, channel, model,
            {name: cents for name, cents in zip(measures, amounts, strict=True) if cents}, why or "",
        )
        for month, region, channel, model, why, *amounts in rows
    ]  # fmt: skip


def _cells_moved(table: Table, measures: list[str]) -> str:
    """The query of the cells that differ between both versions, of `$version`'s restated periods."""
    cell = [f"{name if name in table.grain else repr(_ALL)} as {name}" for name in ("channel", "attribution_model")]
    sums = ", ".join(f"coalesce(sum({one}), 0) as {one}" for one in measures)
    sides = {
        side: f"""select date_trunc('month', {table.period})::date as month, region, {", ".join(cell)}, {sums}
            from {place}{table} where ({table.period}, region) in (select (date, region) from restated)
            group by all"""
        for side, place in (("now", ""), ("was", "was."))
    }
    changes = ", ".join(
        f"(100 * (coalesce(now.{one}, 0) - coalesce(was.{one}, 0)))::bigint as {one}" for one in measures
    )
    return f"""with restated as (from {RESTATEMENTS} where version = $version and "table" = '{table.name}'),
    now as ({sides["now"]}), was as ({sides["was"]}),
    reasons as (
        select date_trunc('month', date)::date as month, region,
            string_agg(distinct reason, '; ' order by reason) as why
        from (select date, region, unnest(string_split(why, '; ')) as reason from restated) group by all
    ),
    cells as (
        select month, region, channel, attribution_model, {changes}
        from now full join was using (month, region, channel, attribution_model)
    )
    select month, region, channel, attribution_model, why, {", ".join(measures)}
    from cells left join reasons using (month, region)
    where {" or ".join(f"{one} != 0" for one in measures)}
    order by month, region, channel, attribution_model"""
