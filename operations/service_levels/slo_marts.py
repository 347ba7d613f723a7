"""The tables of a version on service levels and usable days, and the service levels that ``romi status`` shows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl

from operations.finance_tables.published_tables import FINANCE, SLO_DAILY, SLO_OF_REGIONS, USABLE_DAYS, Columns, in_sql
from operations.finance_tables.version_tables import Source
from operations.publishing.region_marts import RegionState, held_back
from operations.service_levels.slo_facts import add_warehouse_facts, confirm
from quality import sli
from quality.slo import FACTS, judge
from settings import Settings, now

_MARTS = [table.name for table in FINANCE]
_SHOWN = ("date", "unit", "objective", "achieved", "is_met", "error_budget_left", "burn_rate_1h", "burn_rate_6h",
          "burn_rate_3d", "alert")  # fmt: skip


def fill_slos(con: duckdb.DuckDBPyConnection, settings: Settings, sources: dict[str, Source], last: Columns) -> None:
    """Fill the three tables of the version being built, of what the regions' files and the warehouse's books tell.

    What a late region's rows said stands, and what was said of freshness longer ago than is measured anew.
    """
    _empty_facts(con)
    for source in sources.values():
        if source.facts is not None:
            con.register("facts_of_region", source.facts)
            con.execute("insert into facts by name from facts_of_region")
            con.unregister("facts_of_region")
    _judge_all(con, settings)
    con.execute(f"insert into {SLO_OF_REGIONS} by name from slo_days")
    days = [(one.day, region, one.is_usable, one.words) for region, source in sources.items() for one in source.answers]
    con.register("answers", pl.DataFrame(days, schema=_answer_schema(), orient="row").to_arrow())
    con.execute(f"insert into {USABLE_DAYS} by name from answers")
    con.unregister("answers")
    late = [region for region, source in sources.items() if source.late and source.state]
    begun = (now() + timedelta(days=1)).date()  # somewhere; a clock that was ahead has told of days after it
    for table, rule in (
        (SLO_OF_REGIONS, "starts_with(slo, 'freshness') or slo = 'availability' or "),
        (USABLE_DAYS, ""),
    ):
        if str(table) in last:
            con.execute(
                f"""insert into {table} by name
                select {in_sql(table.columns)} from last_good.{table} anti join {table} using ({in_sql(table.grain)})
                where date <= $begun and ({rule} list_contains($late::varchar[], region))""",
                {"late": late, "begun": begun},
            )
    con.execute(f"""
        insert into {SLO_DAILY} from {SLO_OF_REGIONS}
        qualify row_number() over (partition by date, slo order by error_budget_left nulls last, region) = 1""")


def confirm_marts(settings: Settings, sources: dict[str, Source]) -> None:
    """Book that a publish came through, and which marts of each region that it read it left behind."""
    stale = {name: _stale(settings, one.state) for name, one in sources.items() if one.state and not one.late}
    confirm(settings, stale)


def _stale(settings: Settings, state: RegionState) -> list[str]:
    """The marts whose newest day or month is held back."""
    if state.last_day is None:
        return []
    day = date.fromisoformat(state.last_day)
    newest = {"date": day, "month": day.replace(day=1)}
    return sorted(
        table.name for table in FINANCE if table.period and newest[table.period] in held_back(settings, table, state)
    )


def region_levels(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> dict[str, dict[str, Any]]:
    """The service levels of a region's file, each as of its last day."""
    sli.make_facts(con, settings, region)
    judge(con, settings)
    return {slo: found for _, slo, found in _latest(con)}


def warehouse_levels(settings: Settings) -> dict[str, dict[str, dict[str, Any]]]:
    """Freshness of each region's marts and availability of what is published, by region, each as of its last day."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("set TimeZone = 'UTC'")
        _empty_facts(con)
        _judge_all(con, settings)
        levels: dict[str, dict[str, dict[str, Any]]] = {}
        for region, slo, found in _latest(con):
            levels.setdefault(region, {})[slo] = found
        return levels


def _empty_facts(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"create temp table facts ({', '.join(f'{name} {type_}' for name, type_ in FACTS.items())})")


def _judge_all(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Judge the facts with the warehouse's own, and give each mart its row of what several share."""
    groups = add_warehouse_facts(con, settings, _MARTS)
    judge(con, settings)
    for first, names in groups.items():
        region, _, mart = first.rpartition(".")
        con.execute(
            """insert into slo_days select * replace ('freshness_hours.' || unnest($others::varchar[]) as slo)
            from slo_days where region = $region and slo = 'freshness_hours.' || $mart""",
            {"others": [name for name in names if name != mart], "region": region, "mart": mart},
        )


def _latest(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, dict[str, Any]]]:
    rows = con.execute(f"""
        select region, slo, {", ".join(_SHOWN)} from slo_days
        qualify row_number() over (partition by region, slo order by date desc) = 1 order by all""").fetchall()
    return [(region, slo, dict(zip(_SHOWN, (str(day), *rest), strict=True))) for region, slo, day, *rest in rows]


def _answer_schema() -> dict[str, Any]:
    return {"date": pl.Date, "region": pl.String, "is_usable": pl.Boolean, "answer": pl.String}
