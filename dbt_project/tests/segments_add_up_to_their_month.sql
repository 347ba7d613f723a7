-- Fails if a month of the window, in any attribution model, is not the sum of its segments.
with

segments as (

    select
        month,
        attribution_model,
        sum(conversions) as conversions,
        sum(revenue) as revenue,
        sum(refunds) as refunds,
        sum(cogs) as cogs
    from {{ ref('romi_by_segment') }}
    where {{ in_window_months('month') }}
    group by month, attribution_model

),

months as (

    select
        month,
        attribution_model,
        sum(conversions) as conversions,
        sum(revenue) as revenue,
        sum(refunds) as refunds,
        sum(cogs) as cogs
    from {{ ref('romi_monthly') }}
    where {{ in_window_months('month') }}
    group by month, attribution_model

)

select
    months.month,
    months.attribution_model
from months
left join segments on months.month = segments.month and months.attribution_model = segments.attribution_model
where
    months.conversions != coalesce(segments.conversions, 0)
    or months.revenue != coalesce(segments.revenue, 0)
    or months.refunds != coalesce(segments.refunds, 0)
    or months.cogs != coalesce(segments.cogs, 0)
