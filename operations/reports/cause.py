"""What is known about cause, beside what attribution credits."""

from __future__ import annotations

from operations.reports.marts import Marts
from operations.reports.period import Period
from operations.reports.tables import Column, Table

_BOUNDS = ("incremental_margin_low", "incremental_margin_high")
_GRADES = {"A": "A: randomised holdout", "B": "B: geographic holdout", "C": "C: bounds only"}


def cause(marts: Marts, period: Period) -> Table | None:
    """A row for each region and channel of the month; None where the version does not say."""
    keys = ("attributed_margin", "incremental_margin", *_BOUNDS, "grade", "source", "spend")
    if not marts.has("finance.incremental_romi", *keys):
        return None
    rows = marts.rows(
        f"""select channel as name, region, {", ".join(keys)} from finance.incremental_romi where month = $month
        order by spend desc, region, channel""",
        month=period.month,
    )
    shown = [{**row, "evidence": _GRADES.get(row["grade"], row["grade"])} for row in rows if row["spend"]]
    for row in shown:  # of every one without an experiment it is the same, and said once
        row["source"] = None if row["grade"] == "C" else row["source"]
    columns = (
        Column("name", "Channel", "text"), Column("region", "Region", "text"), Column("spend", "Spend"),
        Column("attributed_margin", "Margin attributed"),
        Column("incremental_margin", "Estimated effect", note="From an experiment; without one there are only bounds."),
        Column(_BOUNDS[0], "At least"), Column(_BOUNDS[1], "At most"), Column("evidence", "Evidence", "text"),
        *([Column("source", "Source", "text")] if any(row["source"] for row in shown) else []),
    )  # fmt: skip
    return Table("cause", "What marketing really brought", columns, shown) if shown else None
