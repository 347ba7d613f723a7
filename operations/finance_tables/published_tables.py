"""The tables that finance reads: their contract, and what each column means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import yaml

from operations.finance_tables.published_meanings import WRITTEN_HERE
from quality import slo
from quality.reconciliation_table import DAILY
from settings import PermanentError

_MODELS = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "marts" / "finance" / "_finance.yml"

CONTRACT_VERSION = 1  # tables and columns are only added within it

Columns = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Table:
    """A published table: a row for each combination of its grain."""

    schema: str
    name: str
    grain: tuple[str, ...]
    columns: dict[str, str]  # types in DuckDB's spelling

    @property
    def period(self) -> str | None:
        """The column that a withheld day is looked up by; None where a region hands the table over whole."""
        return next((name for name in ("month", "date") if name in self.columns), None)

    @property
    def is_by_touch(self) -> bool:
        """Whether an order counts on the days of its touches, up to the look-back window before its own."""
        return self.name == "romi_by_touch_date"

    @property
    def is_stepping(self) -> bool:
        """Whether its rows are cells of buyers, of which a version made from nothing names others."""
        return "attribution_model" in self.columns or self.name == "orders_by_currency"

    @property
    def is_cumulative(self) -> bool:
        """Whether a month's rows hold those of the months before, so that none stands where one of these does not."""
        return self.name == "payback_cohorts"

    @property
    def is_verdict(self) -> bool:
        """Whether the table says how days stand, so that it shows those that are withheld, too."""
        return self.name == "reconciliation_daily"

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def in_sql(names: Iterable[str]) -> str:
    """Columns as a list in SQL; some are words of the language."""
    return ", ".join(f'"{name}"' for name in names)


def columns_of(con: duckdb.DuckDBPyConnection, database: str) -> Columns:
    """The tables of finance in an attached database, by name, each with its columns' types in their order."""
    found: Columns = {}
    for table, column, type_ in con.execute(
        """select schema_name || '.' || table_name as "table", column_name, data_type from duckdb_columns()
        where database_name = ? and schema_name in ('finance', 'meta') order by "table", column_index""",
        [database],
    ).fetchall():
        found.setdefault(table, {})[column] = type_
    return found


_MONEY, _NAME, _COUNT, _RATIO = "DECIMAL(18,2)", "VARCHAR", "BIGINT", "DOUBLE"
_ORIGINAL = "DECIMAL(28,4)"  # money in the currency that it came in; some have up to four decimals
_COST = {"spend": _MONEY, "impressions": _COUNT, "clicks": _COUNT}
_INCOME = dict.fromkeys(("revenue", "refunds", "net_revenue", "cogs", "margin"), _MONEY)
_CELL = {"region": _NAME, "channel": _NAME, "campaign": _NAME, "attribution_model": _NAME}
_ROMI = {
    **_COST, "conversions": "DECIMAL(18,6)", **_INCOME,
    **dict.fromkeys(("roas", "romi", "cpa"), _RATIO), "is_final": "BOOLEAN",
}  # fmt: skip

_INTERVAL = ("", "_low", "_high")
EXPERIMENT_LIFT = Table("finance", "experiment_lift", ("experiment", "region", "channel"), {
    **dict.fromkeys(("experiment", "region", "channel", "campaign", "assignment"), _NAME),
    "from_date": "DATE", "to_date": "DATE",
    **dict.fromkeys(("treated_units", "control_units", "contaminated_units"), _COUNT), "confidence": "DECIMAL(4,3)",
    **{f"{one}{end}": _RATIO for one in ("lift", "conversion_lift") for end in _INTERVAL},
    **{f"incremental_conversions{end}": "DECIMAL(18,6)" for end in _INTERVAL},
    **{f"incremental_{one}{end}": _MONEY for one in ("revenue", "margin") for end in _INTERVAL},
    "spend": _MONEY, **{f"incremental_romi{end}": _RATIO for end in _INTERVAL},
    "attribution_model": _NAME, "attributed_romi": _RATIO, "reason": _NAME,
})  # fmt: skip

FINANCE = (
    Table("finance", "romi_daily", ("date", *_CELL), {"date": "DATE", **_CELL, **_ROMI}),
    Table("finance", "romi_monthly", ("month", *_CELL), {
        "month": "DATE", **_CELL, **_ROMI, "waiting_revenue": _MONEY, "channel_spend_share": _RATIO,
        "is_partial": "BOOLEAN",
    }),
    Table("finance", "romi_by_touch_date", ("date", *_CELL), {"date": "DATE", **_CELL, **_ROMI}),
    Table("finance", "romi_by_segment", ("month", "region", "segment", "channel", "attribution_model"), {
        "month": "DATE", "region": _NAME, "segment": _NAME, "channel": _NAME, "attribution_model": _NAME,
        "conversions": "DECIMAL(18,6)", **_INCOME, "is_final": "BOOLEAN", "is_partial": "BOOLEAN",
        "spend": _MONEY, **dict.fromkeys(("roas", "romi", "cpa", "cac"), _RATIO), "waiting_revenue": _MONEY,
    }),
    Table("finance", "payback_cohorts", ("cohort", "region", "channel", "attribution_model", "months_since"), {
        "cohort": "DATE", "region": _NAME, "channel": _NAME, "attribution_model": _NAME, "months_since": _COUNT,
        "month": "DATE", "buyers": "DECIMAL(18,6)", "orders": "DECIMAL(18,6)", "net_revenue": _MONEY, "margin": _MONEY,
        "spend": _MONEY, "payback": _RATIO, "is_complete": "BOOLEAN", "is_final": "BOOLEAN",
    }),
    Table("finance", "channel_weights", ("month", "region", "channel", "attribution_model"), {
        "month": "DATE", "region": _NAME, "channel": _NAME, "attribution_model": _NAME,
        "weight": _RATIO, "share": _RATIO, "is_pooled": "BOOLEAN", "is_final": "BOOLEAN",
    }),
    Table("finance", "orders_daily", ("date", "region"),
          {"date": "DATE", "region": _NAME, "orders": _COUNT, **_INCOME, "new_customers": _COUNT,
           "assumed_cogs": _MONEY, "is_final": "BOOLEAN"}),
    Table("finance", "orders_by_currency", ("month", "region", "currency"), {
        "month": "DATE", "region": _NAME, "currency": _NAME, "orders": _COUNT,
        "original_revenue": _ORIGINAL, "original_refunds": _ORIGINAL, "revenue": _MONEY, "refunds": _MONEY,
        "average_rate": _RATIO, "is_final": "BOOLEAN", "is_partial": "BOOLEAN",
    }),
    Table("finance", "spend_daily", ("date", "region", "platform", "channel", "campaign"),
          {"date": "DATE", "region": _NAME, "platform": _NAME, "channel": _NAME, "campaign": _NAME, **_COST,
           "original_currency": _NAME, "original_spend": _ORIGINAL, "rate": _RATIO, "is_final": "BOOLEAN"}),
    Table("finance", "reconciliation_daily", ("date", "region"),
          {name: type_.upper() for name, type_ in DAILY.items()}),
    EXPERIMENT_LIFT,
)  # fmt: skip
INCREMENTAL_ROMI = Table("finance", "incremental_romi", ("month", "region", "channel"), {
    "month": "DATE", "region": _NAME, "channel": _NAME, "attribution_model": _NAME, "spend": _MONEY,
    **dict.fromkeys(("attributed_margin", *(f"incremental_margin{end}" for end in _INTERVAL)), _MONEY),
    **dict.fromkeys(("attributed_romi", *(f"incremental_romi{end}" for end in _INTERVAL)), _RATIO),
    "grade": _NAME, "source": _NAME, "is_final": "BOOLEAN", "is_partial": "BOOLEAN",
})  # fmt: skip
DATA_QUALITY = Table("finance", "data_quality", ("month", "region"), {
    "month": "DATE", "region": _NAME, "revenue": _MONEY, "attributed_share": _RATIO, "no_consent_share": _RATIO,
    "no_touch_share": _RATIO, "ledger_only_share": _RATIO, "small_cell_share": _RATIO,
    "revenue_without_cost_share": _RATIO, "spend": _MONEY, "spend_without_visits_share": _RATIO, "cogs": _MONEY,
    "assumed_cogs_share": _RATIO, "days_withheld": _COUNT, "refused_files": _COUNT, "refused_rows": _COUNT,
    "refused_revenue": _MONEY, "refused_spend": _MONEY, "is_final": "BOOLEAN", "is_partial": "BOOLEAN",
    "is_proved": "BOOLEAN", "cells_checked": _COUNT, "cells_found": _COUNT, "repairs": _COUNT,
    "repair_cost_share": _RATIO,
})  # fmt: skip
RESTATEMENTS = Table("finance", "restatements", ("version", "table", "date", "region"), {
    "version": "BIGINT", "table": _NAME, "date": "DATE", "region": _NAME, "spend_change": _MONEY,
    "conversions_change": "DECIMAL(18,6)", "orders_change": _COUNT,
    **dict.fromkeys(("revenue_change", "refunds_change", "cogs_change", "credit_moved"), _MONEY), "why": _NAME,
})  # fmt: skip
# What is booked of a closed month, in the order of the columns; a table has some of them.
ADJUSTED = {
    **_COST, "orders": _COUNT, "new_customers": _COUNT, "conversions": "DECIMAL(18,6)", **_INCOME,
}  # fmt: skip
ADJUSTMENTS = Table(
    "finance", "prior_period_adjustments", ("version", "closed_month", "region", "table", "attribution_model"), {
        "version": "BIGINT", "booked_month": "DATE", "closed_month": "DATE", "region": _NAME, "table": _NAME,
        "attribution_model": _NAME, **ADJUSTED, "why": _NAME,
    },
)  # fmt: skip
# Both speak of the moment at which their version was built.
_LEVELS = {name: type_.upper() for name, type_ in slo.DAILY.items()}
SLO_DAILY = Table("finance", "slo_daily", ("date", "slo"), _LEVELS)
SLO_OF_REGIONS = Table("meta", "slo_of_regions", ("date", "region", "slo"), _LEVELS)
USABLE_DAYS = Table("meta", "usable_days", ("date", "region"),
                    {"date": "DATE", "region": _NAME, "is_usable": "BOOLEAN", "answer": _NAME})  # fmt: skip
VERSIONS = Table("meta", "versions", ("region",), {
    "version": "BIGINT", "built_at": "TIMESTAMP", "region": _NAME, "input_watermark": "TIMESTAMP",
    "withheld_days": _COUNT, "carried_over": "BOOLEAN", "contract": _COUNT, "switches": _NAME,
})  # fmt: skip
CLOSED_MONTHS = Table("meta", "closed_months", ("month",), {
    "month": "DATE", "number": _COUNT, "closed_at": "TIMESTAMP", "version": "BIGINT", "manifest_sha256": _NAME,
})  # fmt: skip
COLUMNS = Table("meta", "columns", ("schema_name", "table_name", "column_name"), dict.fromkeys(
    ("schema_name", "table_name", "column_name", "meaning", "unit", "source"), _NAME
))  # fmt: skip
OF_REGIONS = (*FINANCE, DATA_QUALITY)  # what a region hands over: from tables of its own, or measured as it is read
LOCKED = (*OF_REGIONS, INCREMENTAL_ROMI)  # what a close keeps, where it has periods
PUBLISHED = (*OF_REGIONS, INCREMENTAL_ROMI, RESTATEMENTS, ADJUSTMENTS, SLO_DAILY, SLO_OF_REGIONS, USABLE_DAYS, VERSIONS,
             CLOSED_MONTHS, COLUMNS)  # fmt: skip

CONTRACT = 1  # the version of what is declared here: within it, tables and columns are only added
# Columns that no region's file has: they follow from how far its input is, or from the clock.
AT_PUBLISH = ("is_final", "is_partial", "is_complete")

_UNITS = {"DATE": "date", "TIMESTAMP": "UTC", "BOOLEAN": "true or false", _NAME: "text", _COUNT: "count",
          _RATIO: "ratio", _MONEY: "reporting currency", "DECIMAL(18,6)": "orders",
          _ORIGINAL: "units of the currency", "DECIMAL(4,3)": "share"}  # fmt: skip


@cache
def dictionary() -> tuple[tuple[str, ...], ...]:
    """A row of ``meta.columns`` for each published column.

    Raises:
        PermanentError: a column has no description.
    """
    models = yaml.load(_MODELS.read_text(), yaml.CSafeLoader)["models"]  # ten times as fast
    modelled = {f"finance.{model['name']}": {one["name"]: one for one in model["columns"]} for model in models}
    rows = []
    for table in PUBLISHED:
        for column, type_ in table.columns.items():
            described = modelled.get(str(table), {}).get(column) or {}
            text = WRITTEN_HERE.get(str(table), {}).get(column) or described.get("description", "")
            meaning, marker, source = text.partition(" Source: ")
            if not marker:
                raise PermanentError(f"{table}.{column} has no description of the form 'Meaning. Source: origin.'")
            facts = {**described.get("meta", {}), **described.get("config", {}).get("meta", {})}
            unit = facts.get("unit") or _unit(type_, meaning)
            rows.append(
                (table.schema, table.name, column, meaning.strip(), unit, facts.get("source") or source.strip())
            )
    return tuple(rows)


def _unit(type_: str, meaning: str) -> str:
    """A double in the reporting currency is no ratio."""
    said = re.search(r"in the (reporting currency( per \w+)?)", meaning)
    return said[1] if said else _UNITS[type_]


def as_markdown() -> str:
    """The dictionary as ``docs/data_dictionary.md`` shows it; ``make docs`` writes it."""
    lines = ["# Data dictionary", "", "Every published column. Made by `make docs` from the models' descriptions."]
    for table in PUBLISHED:
        grain = ", ".join(table.grain)
        lines += ["", f"## {table}", "", f"A row for each {grain}.", ""]
        lines += ["| column | type | unit | meaning | source |", "| --- | --- | --- | --- | --- |"]
        rows = [row for row in dictionary() if row[:2] == (table.schema, table.name)]
        lines += [
            f"| `{name}` | {table.columns[name]} | {unit} | {meaning} | {source} |"
            for _, _, name, meaning, unit, source in rows
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
