-- Fails if a month of the window, in any attribution model, is not the sum of its days.
with

days as (

    select
        {{ month_of('date') }} as month,
        attribution_model,
        sum(spend) as spend,
        sum(conversions) as conversions,
        sum(revenue) as revenue,
        sum(refunds) as refunds,
        sum(cogs) as cogs
    from {{ ref('romi_daily') }}
    where {{ in_window_months('date') }}
    group by {{ month_of('date') }}, attribution_model

),

months as (

    select
        month,
        attribution_model,
        sum(spend) as spend,
        sum(conversions) as conversions,
        sum(revenue) as revenue,
        sum(refunds) as refunds,
        sum(cogs) as cogs
    from {{ ref('romi_monthly') }}
    where {{ in_window_months('month') }}
    group by month, attribution_model

)

select
    days.month,
    days.attribution_model
from days
full outer join months on days.month = months.month and days.attribution_model = months.attribution_model
where
    days.spend is distinct from months.spend
    or days.conversions is distinct from months.conversions
    or days.revenue is distinct from months.revenue
    or days.refunds is distinct from months.refunds
    or days.cogs is distinct from months.cogs
