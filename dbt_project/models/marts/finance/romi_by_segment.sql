with

costs as (

    select * from {{ ref('int_spend__segment_costs') }}

),

measures as (

    select
        coalesce(credits.month, costs.month) as month,
        coalesce(credits.segment, costs.segment) as segment,
        coalesce(credits.channel, costs.channel) as channel,
        coalesce(credits.attribution_model, costs.attribution_model) as attribution_model,
        coalesce(costs.spend_cents, 0) as spend_cents,
        coalesce(credits.conversion_millionths, 0) as conversion_millionths,
        coalesce(credits.revenue_cents, 0) as revenue_cents,
        coalesce(credits.refund_cents, 0) as refund_cents,
        coalesce(credits.cogs_cents, 0) as cogs_cents,
        coalesce(credits.revenue_cents - credits.refund_cents, 0) as net_revenue_cents,
        coalesce(credits.revenue_cents - credits.refund_cents - credits.cogs_cents, 0) as margin_cents
    from {{ ref('int_privacy__segment_credits') }} as credits
    full outer join costs
        on
            credits.month = costs.month
            and credits.segment = costs.segment
            and credits.channel = costs.channel
            and credits.attribution_model = costs.attribution_model

),

by_segment as (

    select
        *,
        cast(spend_cents as double) * 10000 / nullif(conversion_millionths, 0) as cpa
    from measures

)

select
    month,
    cast('{{ var("region") }}' as {{ text_type() }}) as region,
    segment,
    channel,
    attribution_model,
    {{ as_conversions('conversion_millionths') }} as conversions,
    {{ as_money('revenue_cents') }} as revenue,
    {{ as_money('refund_cents') }} as refunds,
    {{ as_money('net_revenue_cents') }} as net_revenue,
    {{ as_money('cogs_cents') }} as cogs,
    {{ as_money('margin_cents') }} as margin,
    {{ as_money('spend_cents') }} as spend,
    cast(net_revenue_cents as double) / nullif(spend_cents, 0) as roas,
    cast(margin_cents - spend_cents as double) / nullif(spend_cents, 0) as romi,
    cpa,
    case when segment = 'new' then cpa end as cac,
    {{ as_money("case when channel = '(other)' then revenue_cents else 0 end") }} as waiting_revenue
from by_segment
