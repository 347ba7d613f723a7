with

credits as (

    select * from {{ ref('int_attribution__credits') }}
    where {{ in_window_months('ordered_on') }}

),

segments as (

    select * from {{ ref('int_orders__segments') }}

),

cells as (

    select * from {{ ref('int_privacy__segment_cells') }}

),

by_segment as (

    select
        cells.month,
        cells.published_segment as segment,
        cells.published_channel as channel,
        credits.attribution_model,
        cast(sum(credits.conversion_millionths) as bigint) as conversion_millionths,
        cast(sum(credits.revenue_cents) as bigint) as revenue_cents,
        cast(sum(credits.refund_cents) as bigint) as refund_cents,
        cast(sum(credits.cogs_cents) as bigint) as cogs_cents
    from credits
    inner join segments on credits.order_id = segments.order_id
    inner join cells
        on
            {{ month_of('credits.ordered_on') }} = cells.month
            and segments.segment = cells.segment
            and credits.channel = cells.channel
            and credits.campaign = cells.campaign
    group by all

)

select
    month,
    cast('{{ var("region") }}' as varchar) as region,
    segment,
    channel,
    attribution_model,
    {{ as_conversions('conversion_millionths') }} as conversions,
    {{ as_money('revenue_cents') }} as revenue,
    {{ as_money('refund_cents') }} as refunds,
    {{ as_money('revenue_cents - refund_cents') }} as net_revenue,
    {{ as_money('cogs_cents') }} as cogs,
    {{ as_money('revenue_cents - refund_cents - cogs_cents') }} as margin
from by_segment
