"""What figures moved after they were first shown, by how much, and why."""

from __future__ import annotations

from datetime import date

from operations.reports.marts import Marts
from operations.reports.tables import Column, Table

_MONEY = ("spend", "revenue", "refunds", "cogs")
_COLUMNS = (
    Column("version", "Version", "count"),
    Column("date", "Day", "date"),
    Column("region", "Region", "text"),
    Column("table", "Table", "text"),
    Column("orders_change", "Orders", "count"),
    *(Column(f"{name}_change", name.capitalize() if name != "cogs" else "Cost of goods") for name in _MONEY),
    Column("credit_moved", "Credit moved", note="What went from one cell to another without changing the total."),
    Column("why", "Why", "text"),
)


def what_changed(marts: Marts, first: date, last: date, most: int = 100_000) -> Table:
    """The restatements of the days `first` to `last`, newest first, `most` of them; new days are no restatements."""
    rows = marts.rows(
        f"""select {", ".join(f'"{one.key}"' for one in _COLUMNS)} from finance.restatements
        where date between $first and $last and "table" in ('orders_daily', 'spend_daily', 'romi_daily')
        order by version desc, date, region, "table" limit $most""",
        first=first, last=last, most=most,
    )  # fmt: skip
    return Table("what_changed", "What changed after it was first shown", _COLUMNS, rows)
