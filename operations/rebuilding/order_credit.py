"""One order followed through attribution: a view in the region's own file, which is restricted and never published."""

from __future__ import annotations

import duckdb

_ORDER_CREDIT = """
create schema if not exists finance_audit;
create or replace view finance_audit.order_credit as
with credits as (
    select order_id, touch_number, touch_id, touched_on, channel, campaign,
        unnest(struct_keys(weights)) as attribution_model,
        unnest(map_values(weights::map(varchar, bigint))) as weight,
        unnest(map_values(conversion_millionths::map(varchar, bigint))) as conversion_millionths,
        unnest(map_values(revenue_cents::map(varchar, bigint))) as revenue_cents,
        unnest(map_values(refund_cents::map(varchar, bigint))) as refund_cents,
        unnest(map_values(cogs_cents::map(varchar, bigint))) as cogs_cents
    from intermediate.int_attribution__touch_credits
)
select
    credits.order_id, conversions.ordered_on, conversions.converted_at, credits.attribution_model,
    credits.touch_number, touchpoints.touched_at, credits.touched_on, touchpoints.source, touchpoints.medium,
    credits.channel, credits.campaign,
    credits.weight,
    sum(credits.weight) over (partition by credits.order_id, credits.attribution_model)::hugeint as total_weight,
    (credits.conversion_millionths * 0.000001)::decimal(18, 6) as conversions,
    (credits.revenue_cents * 0.01)::decimal(18, 2) as revenue,
    (credits.refund_cents * 0.01)::decimal(18, 2) as refunds,
    (credits.cogs_cents * 0.01)::decimal(18, 2) as cogs
from credits
join intermediate.int_orders__conversions as conversions using (order_id)
left join intermediate.int_sessions__touchpoints as touchpoints on credits.touch_id = touchpoints.touch_id
where credits.weight > 0
"""


def offer_order_credit(con: duckdb.DuckDBPyConnection) -> None:
    """Make ``finance_audit.order_credit``: each order's touches, weights and money under each model.

    A row for each order, attribution model and touch that the model gives weight; amounts in the reporting currency.
    """
    con.execute(_ORDER_CREDIT)
