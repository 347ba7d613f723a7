with

costs as (

    select * from {{ ref('stg_spend__daily_costs') }}

),

latest as (

    -- One name and one channel on all dates: the latest that was given. Several may be called (redacted), so the id
    -- stands in for that: their cost stays apart.
    select
        platform,
        campaign_id,
        coalesce(nullif({{ latest_of('campaign_name', 'spend_on') }}, '(redacted)'), campaign_id) as campaign,
        {{ latest_of('channel', 'spend_on') }} as given_channel
    from costs
    group by platform, campaign_id

),

campaigns as (

    select
        platform,
        campaign_id,
        campaign,
        case
            when given_channel is not null then given_channel
            when {{ is_cross_network(lower_case('campaign')) }} then 'Cross-network'
            when {{ is_shopping(lower_case('campaign')) }} then 'Paid Shopping'
            when platform in ('google_ads', 'microsoft_ads') then 'Paid Search'
            when platform in ('meta_ads', 'tiktok_ads', 'linkedin_ads') then 'Paid Social'
            else 'Paid Other'
        end as channel
    from latest

)

select * from campaigns
