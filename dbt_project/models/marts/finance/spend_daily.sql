with

costs as (

    select * from {{ ref('int_spend__daily_costs') }}
    where {{ in_window('spend_on') }} and spend_cents is not null

),

rates as (

    select * from {{ ref('int_fx__daily_rates') }}

),

currencies as (

    select * from {{ ref('currencies') }}

),

-- A final day's cost stays what it was, and its original is known only where it still comes to that.
originals as (

    select
        original_costs.spend_on,
        original_costs.platform,
        original_costs.campaign_id,
        original_costs.currency,
        original_costs.spend_minor,
        {{ to_cents('original_costs.spend_minor', 'rates') }} as spend_cents
    from {{ ref('int_spend__original_costs') }} as original_costs
    left join rates on original_costs.spend_on = rates.priced_on and original_costs.currency = rates.currency

),

added_up as (

    select
        costs.spend_on,
        costs.platform,
        costs.channel,
        costs.campaign,
        cast(sum(costs.spend_cents) as bigint) as spend_cents,
        cast(sum(costs.impressions) as bigint) as impressions,
        cast(sum(costs.clicks) as bigint) as clicks,
        case
            when count(*) > count(originals.currency) then null
            when count(distinct originals.currency) = 1 then min(originals.currency)
            else '(several)'
        end as original_currency,
        {{ sum_of_minor('originals.spend_minor') }} as original_minor
    from costs
    left join originals
        on
            costs.spend_on = originals.spend_on
            and costs.platform = originals.platform
            and costs.campaign_id = originals.campaign_id
            and costs.spend_cents = coalesce(originals.spend_cents, costs.spend_cents)
    group by costs.spend_on, costs.platform, costs.channel, costs.campaign

),

spend_daily as (

    select
        added_up.spend_on as date,
        cast('{{ var("region") }}' as {{ text_type() }}) as region,
        added_up.platform,
        added_up.channel,
        added_up.campaign,
        {{ as_money('added_up.spend_cents') }} as spend,
        added_up.impressions,
        added_up.clicks,
        added_up.original_currency,
        case
            when currencies.currency is not null
                then {{ as_units('added_up.original_minor', 'currencies.minor_unit') | indent(16) }}
        end as original_spend,
        {{ rate_of('rates', 'currencies.minor_unit') }} as rate
    from added_up
    left join currencies on added_up.original_currency = currencies.currency
    left join rates on added_up.spend_on = rates.priced_on and added_up.original_currency = rates.currency

)

select * from spend_daily
