"""The tables that finance reads: their contract, and what each column means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from quality.reconcile import DAILY
from settings import PermanentError

_MODELS = Path(__file__).resolve().parent.parent / "dbt_project" / "models" / "marts" / "finance" / "_finance.yml"


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

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def in_sql(names: Iterable[str]) -> str:
    """Columns as a list in SQL; some are words of the language."""
    return ", ".join(f'"{name}"' for name in names)


_MONEY, _NAME, _COUNT, _RATIO = "DECIMAL(18,2)", "VARCHAR", "BIGINT", "DOUBLE"
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
    Table("finance", "romi_monthly", ("month", *_CELL), {"month": "DATE", **_CELL, **_ROMI}),
    Table("finance", "romi_by_touch_date", ("date", *_CELL), {"date": "DATE", **_CELL, **_ROMI}),
    Table("finance", "romi_by_segment", ("month", "region", "segment", "channel", "attribution_model"), {
        "month": "DATE", "region": _NAME, "segment": _NAME, "channel": _NAME, "attribution_model": _NAME,
        "conversions": "DECIMAL(18,6)", **_INCOME, "is_final": "BOOLEAN",
    }),
    Table("finance", "channel_weights", ("month", "region", "channel", "attribution_model"), {
        "month": "DATE", "region": _NAME, "channel": _NAME, "attribution_model": _NAME,
        "weight": _RATIO, "share": _RATIO, "is_pooled": "BOOLEAN", "is_final": "BOOLEAN",
    }),
    Table("finance", "orders_daily", ("date", "region"),
          {"date": "DATE", "region": _NAME, "orders": _COUNT, **_INCOME, "new_customers": _COUNT}),
    Table("finance", "spend_daily", ("date", "region", "platform", "channel", "campaign"),
          {"date": "DATE", "region": _NAME, "platform": _NAME, "channel": _NAME, "campaign": _NAME, **_COST}),
    Table("finance", "reconciliation_daily", ("date", "region"),
          {name: type_.upper() for name, type_ in DAILY.items()}),
    EXPERIMENT_LIFT,
)  # fmt: skip
RESTATEMENTS = Table("finance", "restatements", ("version", "table", "date", "region"), {
    "version": "BIGINT", "table": _NAME, "date": "DATE", "region": _NAME, "spend_change": _MONEY,
    "conversions_change": "DECIMAL(18,6)", "orders_change": _COUNT,
    **dict.fromkeys(("revenue_change", "refunds_change", "cogs_change", "credit_moved"), _MONEY), "why": _NAME,
})  # fmt: skip
VERSIONS = Table("meta", "versions", ("region",), {
    "version": "BIGINT", "built_at": "TIMESTAMP", "region": _NAME, "input_watermark": "TIMESTAMP",
    "withheld_days": _COUNT, "carried_over": "BOOLEAN",
})  # fmt: skip
COLUMNS = Table("meta", "columns", ("schema_name", "table_name", "column_name"), dict.fromkeys(
    ("schema_name", "table_name", "column_name", "meaning", "unit", "source"), _NAME
))  # fmt: skip
PUBLISHED = (*FINANCE, RESTATEMENTS, VERSIONS, COLUMNS)

_UNITS = {"DATE": "date", "TIMESTAMP": "UTC", "BOOLEAN": "true or false", _NAME: "text", _COUNT: "count",
          _RATIO: "ratio", _MONEY: "reporting currency", "DECIMAL(18,6)": "orders",
          "DECIMAL(4,3)": "share"}  # fmt: skip
_IS_FINAL = (
    "Whether the row will change no more but for later corrections of the ledger: the input has passed it by 35 days,"
    " nothing of it is withheld and no loss is known that could speak of it."
    " Source: input watermark, quality gate and the books of archives."
)
_IN_MONEY = ", in the reporting currency"
# What Python writes; the models of dbt carry their own descriptions.
_WRITTEN_HERE = {
    "finance.romi_daily": {"is_final": _IS_FINAL},
    "finance.romi_monthly": {"is_final": _IS_FINAL},
    "finance.romi_by_segment": {"is_final": _IS_FINAL},
    "finance.channel_weights": {"is_final": _IS_FINAL},
    "finance.romi_by_touch_date": {
        "is_final": _IS_FINAL.replace("passed it by 35 days,", "passed it by 35 days and the look-back window,"),
    },
    "finance.reconciliation_daily": {
        "date": "Calendar day in the region's time zone. Source: accounting date of the order.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        "ledger_orders": "Orders of the ledger that are not cancelled. Source: the ledger.",
        "warehouse_orders": "Orders that the warehouse holds for the day. Source: the warehouse, order by order.",
        "missing_in_warehouse": "Orders of the ledger that the warehouse does not hold on that day."
                                " Source: ledger and warehouse, order by order.",
        "missing_in_ledger": "Orders of the warehouse that the ledger does not have on that day, such as those only"
                             " events know. Source: ledger and warehouse, order by order.",
        "amount_mismatches": "Orders of both whose revenue, refunds, cost of goods or currency differ, or that stand"
                             " twice. Source: ledger and warehouse, order by order.",
        "ledger_revenue": "Gross revenue of the ledger's orders, in the reporting currency. Source: the ledger.",
        "warehouse_revenue": "Gross revenue of the warehouse's orders, in the reporting currency."
                             " Source: the warehouse, order by order.",
        "accuracy": "Share of the ledger's orders that the warehouse holds to the cent; NULL without any."
                    " Source: ledger and warehouse, order by order.",
        "event_match_rate": "Share of the ledger's orders whose Order Completed event arrived; NULL without any."
                            " Source: ledger and events.",
    },
    "finance.restatements": {
        "version": "Number of the version that changed the figures. Source: publish.",
        "table": "Table of finance whose figures changed. Source: publish.",
        "date": "Day, or first day of the month, whose figures changed. Source: publish.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        **{
            f"{name}_change": f"{name.capitalize()} now minus {name} before, of the whole region and period, for one"
                              f" attribution model{unit}; NULL where the table has none. Source: both versions."
            for name, unit in (("spend", _IN_MONEY), ("conversions", ""), ("orders", ""), ("revenue", _IN_MONEY),
                               ("refunds", _IN_MONEY), ("cogs", _IN_MONEY))
        },
        "credit_moved": "What went from one channel or campaign to another, revenue (in spend_daily, cost), in the"
                        " attribution model that moved most, in the reporting currency. Source: both versions.",
        "why": "What the rebuilt days were rebuilt for. Source: plan.",
    },
    "meta.versions": {
        "version": "Number of the published version. Source: publish.",
        "built_at": "Moment at which the version was built. Source: publish.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        "input_watermark": "Latest event received (where that is unknown, latest that happened) of what is inside."
                           " Source: events.",
        "withheld_days": "Days held back by the quality gate or not rebuilt yet; they show their last good rows,"
                         " if any. Source: quality gate and plan.",
        "carried_over": "Whether the region's rows are those of the version before, because its file could not be read."
                        " Source: publish.",
    },
    "meta.columns": {
        "schema_name": "Schema of the column's table. Source: the contract.",
        "table_name": "Table of the column. Source: the contract.",
        "column_name": "The column. Source: the contract.",
        "meaning": "What the column says. Source: the models' descriptions.",
        "unit": "What the column is counted in. Source: the models' descriptions.",
        "source": "Where the column's values come from. Source: the models' descriptions.",
    },
}  # fmt: skip


@cache
def dictionary() -> tuple[tuple[str, ...], ...]:
    """A row of ``meta.columns`` for each published column.

    Raises:
        PermanentError: a column has no description.
    """
    models = yaml.safe_load(_MODELS.read_text())["models"]
    modelled = {f"finance.{model['name']}": {one["name"]: one for one in model["columns"]} for model in models}
    rows = []
    for table in PUBLISHED:
        for column, type_ in table.columns.items():
            described = modelled.get(str(table), {}).get(column) or {}
            text = _WRITTEN_HERE.get(str(table), {}).get(column) or described.get("description", "")
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
        lines += [
            "",
            f"## {table}",
            "",
            f"A row for each {grain}.",
            "",
            "| column | type | unit | meaning | source |",
            "| --- | --- | --- | --- | --- |",
        ]
        rows = [row for row in dictionary() if row[:2] == (table.schema, table.name)]
        lines += [
            f"| `{name}` | {table.columns[name]} | {unit} | {meaning} | {source} |"
            for _, _, name, meaning, unit, source in rows
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
