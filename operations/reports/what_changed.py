"""What figures moved after they were first shown, by how much, and why; and what was booked of closed months."""

from __future__ import annotations

from datetime import date

from operations.reports.marts import Marts, Row
from operations.reports.period import Period, month_name
from operations.reports.tables import Column, Table, summed

_MONEY = ("spend", "revenue", "refunds", "cogs")
_COLUMNS = (
    Column("version", "Version", "count"),
    Column("date", "Day", "date"),
    Column("region", "Region", "text"),
    Column("table", "Table", "text"),
    Column("orders_change", "Orders", "count"),
    *(Column(f"{name}_change", name.capitalize() if name != "cogs" else "Cost of goods") for name in _MONEY),
    Column("credit_moved", "Credit moved", note="Money that moved between rows without changing the total."),
    Column("why", "Why", "text"),
)
_BOOKED = (
    Column("closed_month", "Closed month", "month"),
    Column("region", "Region", "text"),
    Column("table", "Table", "text"),
    Column("orders", "Orders", "count"),
    *(Column(name, name.capitalize() if name != "cogs" else "Cost of goods") for name in _MONEY),
    Column("after_spend", "Margin after spend"),
    Column("version", "Version", "count"),
    Column("why", "Why", "text"),
)

_BY_CAMPAIGN = (
    "romi_daily shows by campaign what orders_daily shows of orders and spend_daily of cost: do not add them up. It"
    " stands alone where only credit has moved."
)


def last_close(marts: Marts, before: date) -> Row | None:
    """The latest closed month before one, with the version that was closed; None where there is none."""
    if not marts.has("meta.closed_months"):
        return None
    found = marts.rows(
        "select month, version from meta.closed_months where month < $before order by month desc limit 1", before=before
    )
    return found[0] if found else None


def closed_as(marts: Marts, month: date) -> str | None:
    """What the report says of a month that is closed; None of one that is open."""
    if not marts.has("meta.closed_months"):
        return None
    found = marts.rows("select closed_at, version from meta.closed_months where month = $month", month=month)
    if not found:
        return None
    return f"Closed on {found[0]['closed_at']:%Y-%m-%d}, as of version {found[0]['version']}: its figures are fixed."


def what_changed(marts: Marts, period: Period, most: int = 100_000) -> Table:
    """The restatements of the month and the one before, newest first, `most` of them; new days are no restatements.

    Since the last closed version, where a month was closed.
    """
    closed = last_close(marts, period.month)
    rows = marts.rows(
        f"""select {", ".join(f'"{one.key}"' for one in _COLUMNS)} from finance.restatements
        where date between $first and $last and "table" in ('orders_daily', 'spend_daily', 'romi_daily')
            and version > $since
        order by version desc, date, region, "table" limit $most""",
        first=period.month_before, last=period.last, most=most, since=closed["version"] if closed else 0,
    )  # fmt: skip
    since = f", since {month_name(closed['month'])} was closed as of version {closed['version']}" if closed else ""
    tables = {row["table"] for row in rows}
    note = (_BY_CAMPAIGN,) if "romi_daily" in tables and len(tables) > 1 else ()
    return Table("what_changed", f"What changed after it was first shown{since}", _COLUMNS, rows, notes=note)


def booked(marts: Marts, period: Period) -> Table | None:
    """Prior-period adjustments that are booked in the month: none of its own figures; None without any."""
    if not marts.has("finance.prior_period_adjustments"):
        return None
    rows = marts.rows(
        """select closed_month, region, "table", orders, spend, revenue, refunds, cogs, version, why,
            coalesce(revenue, 0) - coalesce(refunds, 0) - coalesce(cogs, 0) - coalesce(spend, 0) as after_spend
        from finance.prior_period_adjustments
        where booked_month = $month and "table" in ('orders_daily', 'spend_daily')
        order by closed_month, region, "table", version""",
        month=period.month,
    )
    if not rows:
        return None
    whole = {**summed(rows, _BOOKED, ""), "closed_month": "Total", "version": None}
    return Table("booked", "Adjustments to closed months, booked beside the month's own figures", _BOOKED, rows, whole)
