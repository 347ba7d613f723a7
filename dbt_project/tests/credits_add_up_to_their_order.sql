-- Fails if the parts of an order do not add up to the whole, in each attribution model and each measure.
with

models as (

    {{ attribution_models() }}

),

conversions as (

    select
        conversions.*,
        models.attribution_model
    from {{ ref('int_orders__conversions') }} as conversions
    cross join models
    where {{ in_window('conversions.ordered_on') }} and conversions.is_priced

),

credits as (

    select
        order_id,
        attribution_model,
        sum(revenue_cents) as revenue_cents,
        sum(refund_cents) as refund_cents,
        sum(cogs_cents) as cogs_cents,
        sum(conversion_millionths) as conversion_millionths
    from {{ ref('int_attribution__credits') }}
    where {{ in_window('ordered_on') }}
    group by order_id, attribution_model

)

select
    coalesce(conversions.order_id, credits.order_id) as order_id,
    coalesce(conversions.attribution_model, credits.attribution_model) as attribution_model
from conversions
full outer join credits
    on conversions.order_id = credits.order_id and conversions.attribution_model = credits.attribution_model
where
    conversions.revenue_cents is distinct from credits.revenue_cents
    or conversions.refund_cents is distinct from credits.refund_cents
    or conversions.cogs_cents is distinct from credits.cogs_cents
    or credits.conversion_millionths is distinct from 1000000
