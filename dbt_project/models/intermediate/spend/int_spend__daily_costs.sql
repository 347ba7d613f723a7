with

costs as (

    select * from {{ ref('stg_spend__daily_costs') }}
    where
        {{ in_window('spend_on') }}
        and {{ is_open_day('spend_on') }}

),

campaigns as (

    select * from {{ ref('int_spend__campaigns') }}

),

rates as (

    select * from {{ ref('int_fx__daily_rates') }}

),

daily_costs as (

    select
        costs.spend_on,
        costs.platform,
        costs.campaign_id,
        campaigns.channel,
        campaigns.campaign,
        costs.impressions,
        costs.clicks,
        {{ to_cents('costs.spend_minor', 'rates') }} as spend_cents
    from costs
    inner join campaigns on costs.platform = campaigns.platform and costs.campaign_id = campaigns.campaign_id
    left join rates on costs.spend_on = rates.priced_on and costs.currency = rates.currency

)

select * from daily_costs
