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

priced as (

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

),

daily_costs as (

    -- A campaign may have cost in the currencies of several accounts; without one of their rates it has none.
    select
        spend_on,
        platform,
        campaign_id,
        channel,
        campaign,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        case when count(*) = count(spend_cents) then cast(sum(spend_cents) as bigint) end as spend_cents
    from priced
    group by spend_on, platform, campaign_id, channel, campaign

)

select * from daily_costs
