"""``finance.reconciliation_daily``: its columns, and the rows of a window entered into it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import duckdb
import polars as pl

CAUSE = "cause: "  # before the name of a mismatch's cause, among a day's counts
DAILY = {
    "date": "date", "region": "varchar", "ledger_orders": "bigint", "warehouse_orders": "bigint",
    "missing_in_warehouse": "bigint", "missing_in_ledger": "bigint", "amount_mismatches": "bigint",
    "ledger_revenue": "decimal(18,2)", "warehouse_revenue": "decimal(18,2)", "accuracy": "double",
    "event_match_rate": "double",
    **dict.fromkeys(("ledger_refunds", "warehouse_refunds", "ledger_net", "warehouse_net"), "decimal(18,2)"),
    "event_only_orders": "bigint", "event_only_revenue": "decimal(18,2)", "wrong_amounts": "bigint",
    "mismatch_cause": "varchar", "refused_rows": "bigint",
}  # fmt: skip
_COUNTS = [name for name, type_ in DAILY.items() if type_ == "bigint"]
_MONEY = [name for name, type_ in DAILY.items() if type_ == "decimal(18,2)"]


def book_days(
    con: duckdb.DuckDBPyConnection, region: str, from_day: date, to_day: date, days: dict[date, Counter[str]]
) -> None:
    """Replace the window's rows by those of the counts of its days."""
    rows = [_row(region, day, tally) for day, tally in sorted(days.items())]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        **{name: pl.Decimal(18, 2) for name in _MONEY},
        "accuracy": pl.Float64, "event_match_rate": pl.Float64, "mismatch_cause": pl.String,
    }  # fmt: skip
    columns = ", ".join(f"{name} {type_}" for name, type_ in DAILY.items())
    con.execute(
        f"create schema if not exists finance; create table if not exists finance.reconciliation_daily ({columns})"
    )
    for name, type_ in DAILY.items():  # a file of an earlier release has fewer
        con.execute(f"alter table finance.reconciliation_daily add column if not exists {name} {type_}")
    con.execute("delete from finance.reconciliation_daily where date between ? and ?", [from_day, to_day])
    if rows:
        con.register("reconciled", pl.DataFrame(rows, schema_overrides=schema).to_arrow())
        con.execute("insert into finance.reconciliation_daily by name from reconciled")
        con.unregister("reconciled")


def _row(region: str, day: date, tally: Counter[str]) -> dict[str, object]:
    for side in ("ledger", "warehouse"):
        tally[f"{side}_net"] = tally[f"{side}_revenue"] - tally[f"{side}_refunds"]
    landed = tally["ledger_orders"]
    wrong = tally["missing_in_warehouse"] + tally["wrong_amounts"]
    return {
        "date": day, "region": region, **{name: tally[name] for name in _COUNTS},
        **{name: Decimal(tally[name]).scaleb(-2) for name in _MONEY},
        "accuracy": 1 - wrong / landed if landed else None,
        "event_match_rate": tally["matched"] / read if (read := landed - tally["refused_orders"]) else None,
        "mismatch_cause": _commonest_cause(tally),
    }  # fmt: skip


def _commonest_cause(tally: Counter[str]) -> str | None:
    causes = {name: count for name, count in tally.items() if name.startswith(CAUSE)}
    return min(causes, key=lambda name: (-causes[name], name)).removeprefix(CAUSE) if causes else None
