-- Fails if romi_by_touch_date loses or makes credit: each day of touches holds what the credits say.
with

credited as (

    select
        touched_on as date,
        attribution_model,
        sum(conversion_millionths) as conversion_millionths,
        sum(revenue_cents) as revenue_cents,
        sum(refund_cents) as refund_cents,
        sum(cogs_cents) as cogs_cents
    from {{ ref('int_attribution__credits') }}
    where {{ in_touch_window('touched_on') }}
    group by touched_on, attribution_model

),

published as (

    select
        date,
        attribution_model,
        sum(conversions) * 1000000 as conversion_millionths,
        sum(revenue) * 100 as revenue_cents,
        sum(refunds) * 100 as refund_cents,
        sum(cogs) * 100 as cogs_cents
    from {{ ref('romi_by_touch_date') }}
    where {{ in_touch_window('date') }}
    group by date, attribution_model

)

select
    coalesce(credited.date, published.date) as date,
    coalesce(credited.attribution_model, published.attribution_model) as attribution_model
from credited
full outer join published
    on credited.date = published.date and credited.attribution_model = published.attribution_model
where
    coalesce(credited.conversion_millionths, 0) != coalesce(published.conversion_millionths, 0)
    or coalesce(credited.revenue_cents, 0) != coalesce(published.revenue_cents, 0)
    or coalesce(credited.refund_cents, 0) != coalesce(published.refund_cents, 0)
    or coalesce(credited.cogs_cents, 0) != coalesce(published.cogs_cents, 0)
