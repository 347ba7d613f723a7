"""What stands in ``(other)``, where, and how much of it only waits."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from operations.reports.marts import MODEL, Marts
from operations.reports.period import Period
from operations.reports.tables import Column, Ratio, Table, summed, with_ratios
from operations.reports.unknown import OTHER

# Five sentences for people who have never heard of k-anonymity; docs/finance.md says the same with an example.
WHY = (
    "This report shows a name only where enough different buyers are behind it, so that nobody can tell from a"
    " figure what one person bought.",
    "What too few buyers have done is added up in (other): first in the campaign (other) of its channel and, if that"
    " has too few buyers as well, in the channel (other).",
    "A named figure changes only when enough buyers have something new in it; until then, what is new waits in"
    " (other).",
    "Nothing is lost: the totals of days, months and regions are always complete, and (other) is part of them.",
    "How many buyers are enough is a setting (privacy.k_anonymity): a lower number names more and protects less.",
)

_BELOW_ZERO = (
    "Below zero: named figures still hold what has moved elsewhere or was given back since they were shown. It is taken"
    " out of channel (other), so that the total is right, until the named figures may change."
)


def waiting(marts: Marts, period: Period) -> Table:
    """A row for each region of the month: its revenue, what of it is named, and what stands in ``(other)``."""
    rows = marts.rows(
        """select region as name, sum(revenue) as revenue,
            coalesce(sum(revenue) filter (where channel = $other), 0.00) as other_channel,
            coalesce(sum(revenue) filter (where channel != $other and campaign = $other), 0.00) as other_campaign,
            sum(waiting_revenue) as waiting, coalesce(sum(spend) filter (where channel = $other), 0.00) as other_spend
        from finance.romi_monthly where month = $month and attribution_model = $model
        group by region order by region""",
        month=period.month, model=MODEL, other=OTHER,
    )  # fmt: skip
    columns = (
        Column("name", "Region", "text"),
        Column("revenue", "Revenue"),
        Column("other_channel", "In channel (other)"),
        Column("share", "Share of revenue", "share", Ratio("other_channel", "revenue")),
        Column("waiting", "Too few buyers, or waiting for more",
               note="The part of channel (other) that has too few buyers; the rest was never meant to be named."),
        Column("other_campaign", "In campaign (other) of a named channel"),
        Column("other_spend", "Spend in channel (other)"),
    )  # fmt: skip
    return Table(
        "waiting", "What waits in (other)", columns, [with_ratios(row, columns) for row in rows],
        summed(rows, columns, "All regions"), below_zero(row["other_channel"] for row in rows),
    )  # fmt: skip


def below_zero(amounts: Iterable[Decimal | float | None]) -> tuple[str, ...]:
    """What to say beside amounts of channel (other), or shares, of which one is below zero."""
    return (_BELOW_ZERO,) if any(one is not None and one < 0 for one in amounts) else ()
