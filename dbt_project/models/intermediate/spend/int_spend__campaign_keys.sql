with

costs as (

    select * from {{ ref('stg_spend__daily_costs') }}

),

campaigns as (

    select * from {{ ref('int_spend__campaigns') }}

),

platform_sources as (

    select * from {{ ref('int_spend__platform_sources') }}

),

former_names as (

    select
        costs.platform,
        costs.campaign_id,
        {{ lower_case('costs.campaign_name') }} as campaign_key,
        min(costs.spend_on) as named_from
    from costs
    inner join campaigns on costs.platform = campaigns.platform and costs.campaign_id = campaigns.campaign_id
    where
        costs.campaign_name != '(redacted)'
        and {{ lower_case('costs.campaign_name') }} != {{ lower_case('campaigns.campaign') }}
    group by costs.platform, costs.campaign_id, {{ lower_case('costs.campaign_name') }}

),

keys as (

    select
        platform,
        campaign_id,
        {{ lower_case('campaign_id') }} as campaign_key,
        'id' as key_kind,
        cast(null as date) as named_from
    from campaigns
    union all
    select
        platform,
        campaign_id,
        {{ lower_case('campaign') }} as campaign_key,
        'name' as key_kind,
        cast(null as date) as named_from
    from campaigns
    union all
    select
        platform,
        campaign_id,
        campaign_key,
        'former name' as key_kind,
        named_from
    from former_names

),

campaign_keys as (

    select
        keys.*,
        -- A folder may be called as a source is: facebook for meta_ads.
        coalesce(platform_sources.platform, {{ lower_case('keys.platform') }}) as network
    from keys
    left join platform_sources on {{ lower_case('keys.platform') }} = platform_sources.source

)

select * from campaign_keys
