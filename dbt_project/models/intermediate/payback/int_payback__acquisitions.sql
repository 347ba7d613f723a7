with

credits as (

    select * from {{ ref('int_privacy__segment_credits') }}
    where segment = 'new'

),

costs as (

    select * from {{ ref('int_spend__segment_costs') }}
    where segment = 'new'

),

acquisitions as (

    select
        credits.month,
        credits.channel,
        credits.attribution_model,
        credits.conversion_millionths,
        credits.revenue_cents - credits.refund_cents as net_revenue_cents,
        credits.revenue_cents - credits.refund_cents - credits.cogs_cents as margin_cents,
        coalesce(costs.spend_cents, 0) as spend_cents
    from credits
    left join costs
        on
            credits.month = costs.month
            and credits.channel = costs.channel
            and credits.attribution_model = costs.attribution_model

)

select * from acquisitions
