with

spellings as (

    select coalesce(campaign_name, campaign_id) as campaign
    from {{ ref('stg_events__page_views') }}
    where coalesce(campaign_name, campaign_id) is not null
    union
    -- Touches outlive the views that they began with.
    select coalesce(campaign_name, campaign_id) as campaign
    from {{ ref('int_sessions__starts') }}
    where
        touched_on < {{ sessions_from() }}
        and coalesce(campaign_name, campaign_id) is not null

),

keyed as (

    select
        campaign,
        {{ campaign_key('campaign') }} as campaign_key
    from spellings

),

campaign_names as (

    select
        campaign_key,
        campaign
    from keyed
    qualify
        row_number() over (
            partition by campaign_key
            order by campaign_key = {{ lower_case('campaign') }} desc nulls last, campaign desc nulls last
        ) = 1

)

select * from campaign_names
