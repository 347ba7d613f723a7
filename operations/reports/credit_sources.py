"""Where a month's credit comes from: what became of each order's path, and what was assumed or refused."""

from __future__ import annotations

from operations.reports.marts import Marts, Row
from operations.reports.period import Period
from operations.reports.tables import Column, Table
from operations.reports.waiting import below_zero

FATES = (
    Column("attributed_share", "Credited to a channel", "share"),
    Column("no_consent_share", "No consent", "share"),
    Column("no_touch_share", "No visit known", "share"),
    Column("ledger_only_share", "Only in the ledger", "share"),
    Column(
        "small_cell_share",
        "Not told: too few buyers",
        "share",
        note="To give the cause, or the channel, would single out too few buyers.",
    ),
)
_OF_REVENUE = (
    *FATES,
    Column(
        "revenue_without_cost_share",
        "Credited to campaigns without cost",
        "share",
        note="Direct, organic and referral visits are among them.",
    ),
)
_COUNTS = (
    Column("days_withheld", "Days withheld", "count"),
    Column("refused_rows", "Rows refused", "count"),
    Column("refused_revenue", "Revenue refused"),
    Column("refused_spend", "Spend refused"),
)
_COLUMNS = (
    Column("name", "Region", "text"),
    Column("revenue", "Revenue"),
    *_OF_REVENUE,
    Column("assumed_cogs_share", "Cost of goods assumed", "share"),
    Column("spend_without_visits_share", "Spend without visits", "share"),
    *_COUNTS,
)


def credit_sources(marts: Marts, period: Period) -> Table | None:
    """A row for each region of the month; None where the version does not say."""
    if not marts.has("finance.data_quality", *(one.key for one in _COLUMNS if one.key != "name"), "spend", "cogs"):
        return None
    names = ", ".join(one.key for one in _COLUMNS if one.key != "name")
    rows = marts.rows(
        f"select region as name, spend, cogs, {names} from finance.data_quality where month = $month order by region",
        month=period.month,
    )
    if not rows:
        return None
    notes = below_zero(row["small_cell_share"] for row in rows)
    return Table("credit_sources", "Where credit comes from", _COLUMNS, rows, _whole(rows), notes)


def _whole(rows: list[Row]) -> Row:
    """All regions: shares are weighted by what they are a share of."""
    whole: Row = {"name": "All regions", "revenue": sum(row["revenue"] or 0 for row in rows)}
    for columns, weight in (
        (_OF_REVENUE, "revenue"),
        (_COLUMNS[8:9], "cogs"),
        (_COLUMNS[9:10], "spend"),
    ):
        for one in columns:
            whole[one.key] = _weighted(rows, one.key, weight)
    for one in _COUNTS:
        known = [row[one.key] for row in rows if row[one.key] is not None]
        whole[one.key] = sum(known) if known else None
    return whole


def _weighted(rows: list[Row], key: str, weight: str) -> float | None:
    known = [(row[key], float(row[weight])) for row in rows if row[key] is not None and row[weight]]
    whole = sum(size for _, size in known)
    return sum(share * size for share, size in known) / whole if whole else None
