"""One order followed through attribution: a view in the region's own file, which is restricted and never published."""

from __future__ import annotations

import duckdb

_ORDER_CREDIT = """
create schema if not exists finance_audit;
create or replace view finance_audit.order_credit as
with weights as (
    select * exclude (weights), unnest(struct_keys(weights)) as attribution_model,
        unnest(map_values(weights::map(varchar, bigint))) as weight
    from intermediate.int_attribution__order_weights
),
credits as (
    select order_id, touch_number, unnest(struct_keys(revenue_cents)) as attribution_model,
        unnest(map_values(conversion_millionths::map(varchar, bigint))) as conversion_millionths,
        unnest(map_values(revenue_cents::map(varchar, bigint))) as revenue_cents,
        unnest(map_values(refund_cents::map(varchar, bigint))) as refund_cents,
        unnest(map_values(cogs_cents::map(varchar, bigint))) as cogs_cents
    from intermediate.int_attribution__touch_credits
)
select
    weights.order_id, conversions.ordered_on, conversions.converted_at, weights.attribution_model,
    weights.touch_number, touchpoints.touched_at, weights.touched_on, touchpoints.source, touchpoints.medium,
    weights.channel, weights.campaign,
    weights.weight,
    sum(weights.weight) over (partition by weights.order_id, weights.attribution_model)::hugeint as total_weight,
    (coalesce(credits.conversion_millionths, 0) * 0.000001)::decimal(18, 6) as conversions,
    (coalesce(credits.revenue_cents, 0) * 0.01)::decimal(18, 2) as revenue,
    (coalesce(credits.refund_cents, 0) * 0.01)::decimal(18, 2) as refunds,
    (coalesce(credits.cogs_cents, 0) * 0.01)::decimal(18, 2) as cogs
from weights
join intermediate.int_orders__conversions as conversions using (order_id)
left join credits using (order_id, attribution_model, touch_number)
left join intermediate.int_sessions__touchpoints as touchpoints on weights.touch_id = touchpoints.touch_id
where weights.weight > 0
"""


def offer_order_credit(con: duckdb.DuckDBPyConnection) -> None:
    """Make ``finance_audit.order_credit``: each order's touches, weights and money under each model.

    A row for each order, attribution model and touch that the model gives weight; amounts in the reporting currency.
    """
    con.execute(_ORDER_CREDIT)
