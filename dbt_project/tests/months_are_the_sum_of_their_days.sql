-- Fails if a month of the window, in any attribution model, is not the sum of its days: merging moves money, never loses it.
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

(
    select * from days
    except
    select * from months
)
union all
(
    select * from months
    except
    select * from days
)
