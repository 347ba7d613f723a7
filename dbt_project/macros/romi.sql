{% macro romi_by(period, cells, level, order_period, spend_period, orders_in_window, spend_in_window) -%}
{#- Credit and cost of a period (`date` or `month`), each in the cell in which it is published. -#}
with

{{ published_credit(order_period, level, orders_in_window, [
    ('channel', 'channel', '(other)'), ('campaign', "case when " ~ level ~ " = 2 then campaign else '(other)' end", '(other)')
]) }}

costs as (

    select
        {{ spend_period }} as period,
        coalesce(cells.published_channel, costs.channel) as channel,
        coalesce(cells.published_campaign, costs.campaign) as campaign,
        models.attribution_model,
        sum(costs.spend_cents) as spend_cents,
        sum(costs.impressions) as impressions,
        sum(costs.clicks) as clicks
    from {{ ref('int_spend__daily_costs') }} as costs
    cross join ({{ attribution_models() }}) as models
    left join {{ cells }} as cells
        on
            {{ spend_period }} = cells.{{ period }}
            and costs.channel = cells.channel
            and costs.campaign = cells.campaign
    where {{ spend_in_window }} and costs.spend_cents is not null
    group by all

),

-- A campaign with cost and no orders, or orders and no cost, keeps its row.
measures as (

    select
        period,
        channel,
        campaign,
        attribution_model,
        cast(coalesce(costs.spend_cents, 0) as bigint) as spend_cents,
        cast(coalesce(costs.impressions, 0) as bigint) as impressions,
        cast(coalesce(costs.clicks, 0) as bigint) as clicks,
        cast(coalesce(credits.conversion_millionths, 0) as bigint) as conversion_millionths,
        cast(coalesce(credits.revenue_cents, 0) as bigint) as revenue_cents,
        cast(coalesce(credits.refund_cents, 0) as bigint) as refund_cents,
        cast(coalesce(credits.revenue_cents - credits.refund_cents, 0) as bigint) as net_revenue_cents,
        cast(coalesce(credits.cogs_cents, 0) as bigint) as cogs_cents,
        cast(coalesce(credits.revenue_cents - credits.refund_cents - credits.cogs_cents, 0) as bigint) as margin_cents
    from credits
    full outer join costs using (period, channel, campaign, attribution_model)

)

select
    period as {{ period }},
    cast('{{ var("region") }}' as {{ text_type() }}) as region,
    channel,
    campaign,
    attribution_model,
    {{ as_money('spend_cents') }} as spend,
    impressions,
    clicks,
    {{ as_conversions('conversion_millionths') }} as conversions,
    {{ as_money('revenue_cents') }} as revenue,
    {{ as_money('refund_cents') }} as refunds,
    {{ as_money('net_revenue_cents') }} as net_revenue,
    {{ as_money('cogs_cents') }} as cogs,
    {{ as_money('margin_cents') }} as margin,
    cast(net_revenue_cents as double) / nullif(spend_cents, 0) as roas,
    cast(margin_cents - spend_cents as double) / nullif(spend_cents, 0) as romi,
    cast(spend_cents as double) * 10000 / nullif(conversion_millionths, 0) as cpa
from measures
{%- endmacro %}
