with

events as (

    select * from {{ ref('int_sessions__person_events') }}

),

running as (

    -- Persons whose session may still be open when the window begins.
    select
        person_id,
        max(occurred_at) as occurred_at
    from events
    where occurred_at < {{ window_start() }}
    group by person_id

),

last_starts as (

    {% if is_incremental() -%}
    select
        starts.person_id,
        starts.campaign_source,
        starts.campaign_medium,
        starts.campaign_name
    from {{ this }} as starts
    inner join running on starts.person_id = running.person_id
    where starts.touched_on < {{ from_date() }}
    qualify
        row_number() over (
            partition by starts.person_id
            order by
                starts.touched_at desc nulls last,
                starts.message_order desc nulls last,
                starts.touch_id desc nulls last
        ) = 1
    {%- else -%}
    select
        person_id,
        campaign_source,
        campaign_medium,
        campaign_name
    from events
    where false
    {%- endif %}

),

sequence as (

    select
        message_id,
        message_order,
        occurred_at,
        person_id,
        campaign_source,
        campaign_medium,
        campaign_name,
        campaign_id,
        page_host,
        referrer_host,
        coalesce(campaign_source, campaign_medium, campaign_name, campaign_id) is not null as has_campaign
    from events
    where occurred_at >= {{ window_start() }}
    union all
    -- A stand-in for the last event of a running session, with that session's campaign.
    select
        null as message_id,
        null as message_order,
        running.occurred_at,
        running.person_id,
        last_starts.campaign_source,
        last_starts.campaign_medium,
        last_starts.campaign_name,
        null as campaign_id,
        null as page_host,
        null as referrer_host,
        false as has_campaign
    from running
    left join last_starts on running.person_id = last_starts.person_id

),

with_gaps as (

    select
        *,
        coalesce(
            occurred_at > lag({{ plus_minutes('occurred_at', var('session_timeout_minutes')) }}) over (
                partition by person_id
                order by occurred_at asc nulls last, message_order asc nulls first, message_id asc nulls first
            ),
            true
        ) as is_after_gap
    from sequence

),

-- Only these can begin a session or change its campaign, so the one before is always the campaign that holds.
candidates as (

    select *
    from with_gaps
    where has_campaign or is_after_gap

),

all_starts as (

    select *
    from candidates
    window
        person as (
            partition by person_id
            order by occurred_at asc nulls last, message_order asc nulls first, message_id asc nulls first
        )
    qualify
        is_after_gap
        or campaign_source is distinct from lag(campaign_source) over person
        or campaign_medium is distinct from lag(campaign_medium) over person
        or campaign_name is distinct from lag(campaign_name) over person

),

starts as (

    select
        message_id as touch_id,
        {{ local_date('occurred_at') }} as touched_on,
        occurred_at as touched_at,
        message_order,
        person_id,
        campaign_source,
        campaign_medium,
        campaign_name,
        campaign_id,
        page_host,
        referrer_host,
        has_campaign
    from all_starts
    where message_id is not null

)

select * from starts
