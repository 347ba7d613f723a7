"""The service levels of a region as its snapshot shows them."""

from __future__ import annotations

from typing import Any

import duckdb

from operations.service_levels.slo_marts import region_levels
from settings import Settings

ACCURACY_DAYS = 28


def shown_levels(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> dict[str, Any]:
    """Each as of its last day; accuracy and event match rate are those of the last 28 days that have orders."""
    levels: dict[str, Any] = region_levels(con, settings, region)
    built = "select count(*) from duckdb_tables() where schema_name = 'finance' and table_name = 'reconciliation_daily'"
    if con.execute(built).fetchall() == [(0,)]:
        return levels
    orders, wrong, matched = con.execute(f"""
        select sum(ledger_orders)::bigint, sum(missing_in_warehouse + wrong_amounts)::bigint,
            sum(ledger_orders * event_match_rate)
        from (from finance.reconciliation_daily where ledger_orders > 0 order by date desc limit {ACCURACY_DAYS})
        """).fetchall()[0]
    if orders:
        for name, good in (("accuracy", orders - wrong), ("event_match_rate", matched)):
            levels[name] = {**levels.get(name, {}), **_over_the_last_days(settings, name, good, orders)}
    return levels


def _over_the_last_days(settings: Settings, name: str, good: float, orders: int) -> dict[str, Any]:
    achieved, objective = good / orders, float(getattr(settings.slo, name))
    left = 1 - (1 - achieved) / (1 - objective) if objective < 1 else float(achieved == 1)
    return {"objective": objective, "achieved": achieved, "orders": orders, "error_budget_left": left,
            "is_met": achieved >= objective}  # fmt: skip
