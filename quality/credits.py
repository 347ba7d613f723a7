"""Read credits from the region's file as the maps of cells need them."""

from __future__ import annotations

import duckdb

from quality.disclosure import Credit


def read_credits(
    con: duckdb.DuckDBPyConnection,
    credits: str,
    k: int,
    *,
    column: str,
    month: str = "null",
    where: str = "true",
) -> list[Credit]:
    """The credits by campaign, column and model, with as many buyers as are needed to tell whether there are k.

    Args:
        credits: a relation with the columns of ``int_attribution__credits``.
        column: an expression: what the columns of the table are, such as ``ordered_on``.
        month: an expression: the month in which the orders are published.
        where: a condition.
    """
    rows = con.execute(f"""
        with by_buyer as (
            select
                channel, campaign, {column} as period, {month} as order_month, attribution_model, buyer_id,
                sum(conversion_millionths) as conversions, sum(revenue_cents) as revenue,
                sum(refund_cents) as refunds, sum(cogs_cents) as cogs
            from {credits} where {where} group by all
        )
        select
            channel, campaign, period, order_month, attribution_model, min(buyer_id::varchar, {k}), count(*)::bigint,
            sum(conversions)::bigint, sum(revenue)::bigint, sum(refunds)::bigint, sum(revenue - refunds)::bigint,
            sum(cogs)::bigint, sum(revenue - refunds - cogs)::bigint
        from by_buyer group by channel, campaign, period, order_month, attribution_model order by all
        """).fetchall()
    return [
        Credit((channel, campaign), period, order_month, model, frozenset(buyers), count, tuple(amounts))
        for channel, campaign, period, order_month, model, buyers, count, *amounts in rows
    ]
