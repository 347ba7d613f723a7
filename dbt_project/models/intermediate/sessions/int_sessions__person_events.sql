with

page_views as (

    select * from {{ ref('stg_events__page_views') }}
    -- One timeout more on the left: a session may have begun before the window and go on into it.
    where
        occurred_at >= {{ minus_minutes(window_start(), var('session_timeout_minutes')) }}
        and occurred_at < {{ window_end() }}

),

device_users as (

    select * from {{ ref('int_identity__device_users') }}

),

person_events as (

    select
        page_views.message_id,
        page_views.message_order,
        page_views.occurred_at,
        page_views.campaign_source,
        page_views.campaign_medium,
        page_views.campaign_name,
        page_views.campaign_id,
        page_views.page_host,
        page_views.referrer_host,
        {{ person_of('page_views') }} as person_id,
        coalesce(
            page_views.campaign_source, page_views.campaign_medium, page_views.campaign_name, page_views.campaign_id
        ) is not null as has_campaign
    from page_views
    {{ left_join_device_users('page_views') }}

),

with_gaps as (

    select
        *,
        coalesce(
            occurred_at > lag({{ plus_minutes('occurred_at', var('session_timeout_minutes')) }}) over (
                partition by person_id
                order by occurred_at asc nulls last, message_order asc nulls last, message_id asc nulls last
            ),
            true
        ) as is_after_gap
    from person_events

)

select * from with_gaps
where occurred_at >= {{ window_start() }}
