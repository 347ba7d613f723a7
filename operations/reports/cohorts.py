"""What each month's new buyers cost to win, and what they have brought since."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from operations.reports.marts import MODEL, Marts, Row, ratio
from operations.reports.period import RUNNING, Period, is_running
from operations.reports.tables import Column, Ratio, Table, with_ratios

# Buyers whose cost is known: orders that are in no cohort have none, nor has what stands in (other).
_WON = "attribution_model = $model and channel not in ('(unknown)', '(other)') and spend > 0"
_MONTHS = 12
ALL = "All channels"


def cohorts(marts: Marts) -> Table | None:
    """A row for each cohort, newest first: its buyers, their cost, and the share of it that is back, by months since.

    Of the buyers that named channels with cost are credited with, and of months that are over.

    None where the version does not publish cohorts.
    """
    if not marts.has("finance.payback_cohorts"):
        return None
    rows = marts.rows(
        f"""select cohort, months_since, sum(buyers) as buyers, sum(spend) as spend, sum(margin) as margin,
            bool_and(is_complete) as is_complete
        from finance.payback_cohorts where {_WON}
        group by cohort, months_since order by cohort desc, months_since""",
        model=MODEL,
    )  # fmt: skip
    if not rows:
        return None
    by_cohort: dict[date, list[Row]] = {}
    for row in rows:
        by_cohort.setdefault(row["cohort"], []).append(row)
    ages = sorted({row["months_since"] for row in rows if row["is_complete"] and row["months_since"] <= _MONTHS})
    columns = (
        Column("cohort", "First order in", "month"),
        Column("state", "State", "text"),
        Column("buyers", "New buyers", "orders", note="Whom named channels with cost are credited with."),
        Column("spend", "Cost to win them"),
        Column("cac", "CAC", "money", Ratio("spend", "buyers")),
        Column("after", "Paid back after", "text", note="Months after that of the first order."),
        *(Column(f"m{age}", f"Month {age}", "share") for age in ages),
    )
    shown = [
        {**_cohort(of_cohort, columns), "state": RUNNING if is_running(marts, month) else "ended"}
        for month, of_cohort in list(by_cohort.items())[:_MONTHS]
    ]
    title = "Cohorts of buyers won by channels with cost: margin, month by month, as a share of the cost to win them"
    return Table("cohorts", title, columns, shown)


def _cohort(rows: list[Row], columns: tuple[Column, ...]) -> Row:
    found: Row = {column.key: None for column in columns}
    found |= {f"m{row['months_since']}": ratio(row["margin"], row["spend"]) for row in rows if row["is_complete"]}
    latest = rows[-1]
    back = next((row["months_since"] for row in rows if row["spend"] and row["margin"] >= row["spend"]), None)
    found |= {"cohort": latest["cohort"], "buyers": latest["buyers"], "spend": latest["spend"], "after": _after(back)}
    return with_ratios(found, columns)


def _after(months: int | None) -> str:
    if months is None:
        return "not yet"
    return "the same month" if not months else f"{months} month{'s' * (months != 1)}"


def paid_back(marts: Marts, period: Period) -> dict[str, float | None]:
    """Of the month's new buyers by channel, what of their cost is back so far; empty where that is not published."""
    if not marts.has("finance.payback_cohorts"):
        return {}
    rows = marts.rows(
        f"""with latest as (
            select *, max(months_since) over (partition by region) as last from finance.payback_cohorts
            where cohort = $month and {_WON}
        )
        select channel, sum(margin) as margin, sum(spend) as spend from latest
        where months_since = last group by channel""",
        month=period.month, model=MODEL,
    )  # fmt: skip
    if not rows:
        return {}
    return {row["channel"]: ratio(row["margin"], row["spend"]) for row in rows} | {
        ALL: ratio(sum((row["margin"] for row in rows), Decimal(0)),
                              sum((row["spend"] for row in rows), Decimal(0)))
    }  # fmt: skip
