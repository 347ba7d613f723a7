with

source as (

    select * from {{ source('raw', 'events') }}
    where {{ is_accepted_event() }}

),

page_views as (

    select
        message_id,
        message_order,
        occurred_at,
        anonymous_id,
        user_id,
        campaign_source,
        campaign_medium,
        campaign_name,
        campaign_id,
        page_host,
        referrer_host
    from source
    where
        type in ('page', 'screen')
        -- An event without a person (a page view that carried an anonymised order) is no visit of anyone.
        and coalesce(user_id, anonymous_id) is not null
        and not is_anonymised

)

select * from page_views
