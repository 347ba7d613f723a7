with

monthly as (

    {{
        romi_by(
            'month',
            cells=ref('int_privacy__monthly_cells'),
            level='month_level',
            order_period=month_of('ordered_on'),
            spend_period=month_of('costs.spend_on'),
            orders_in_window=in_window_months('ordered_on'),
            spend_in_window=in_window_months('costs.spend_on'),
        ) | indent(4)
    }}

),

costs as (

    select
        {{ month_of('spend_on') }} as month,
        channel,
        {{ as_money('cast(sum(spend_cents) as bigint)') }} as spend
    from {{ ref('int_spend__daily_costs') }}
    where {{ in_window_months('spend_on') }} and spend_cents is not null
    group by all

)

select
    monthly.*,
    case
        when monthly.channel = '(other)' then monthly.revenue
        else cast(0 as decimal(18, 2))
    end as waiting_revenue,
    cast(sum(monthly.spend) over (
        partition by monthly.month, monthly.channel, monthly.attribution_model
    ) as double) / nullif(cast(costs.spend as double), 0) as channel_spend_share
from monthly
left join costs on monthly.month = costs.month and monthly.channel = costs.channel
