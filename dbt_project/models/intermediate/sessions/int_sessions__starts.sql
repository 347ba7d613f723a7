with

candidates as (

    -- Only these can begin a session or change its campaign, so the one before always has the campaign that holds.
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
        has_campaign,
        is_after_gap
    from {{ ref('int_sessions__person_events') }}
    where
        (is_after_gap or has_campaign)
        and {{ local_date('occurred_at') }} >= {{ sessions_from() }}

),

{% if is_incremental() -%}
open_sessions as (

    -- What a session that goes on from before the window began with.
    select
        touch_id,
        touched_on,
        touched_at,
        -- Earlier than all others, so nothing has to tell it from those of one moment.
        cast(null as {{ uuid_type() }}) as message_order,
        person_id,
        campaign_source,
        campaign_medium,
        campaign_name,
        campaign_id,
        page_host,
        referrer_host,
        has_campaign,
        false as is_after_gap
    from {{ this }}
    where
        touched_on < {{ sessions_from() }}
        and person_id in (
            select candidates.person_id
            from candidates
            where not candidates.is_after_gap
        )
    qualify
        row_number() over (
            partition by person_id
            order by touched_at desc nulls last, tie_number desc nulls last
        ) = 1

),

{% endif -%}
sequence as (

    select * from candidates
    {% if is_incremental() -%}
    union all
    select * from open_sessions
    {%- endif %}

),

starts as (

    select
        *,
        row_number() over person - rank() over (
            partition by person_id
            order by touched_at asc nulls last
        ) as tie_number
    from sequence
    window
        person as (
            partition by person_id
            order by touched_at asc nulls last, message_order asc nulls last, touch_id asc nulls last
        )
    qualify
        is_after_gap
        -- One with an id alone, too, is a campaign where there was none.
        or (has_campaign and not coalesce(lag(has_campaign) over person, false))
        or {{ lower_case('campaign_source') }} is distinct from lag({{ lower_case('campaign_source') }}) over person
        or {{ lower_case('campaign_medium') }} is distinct from lag({{ lower_case('campaign_medium') }}) over person
        or {{ lower_case('campaign_name') }} is distinct from lag({{ lower_case('campaign_name') }}) over person

)

select
    touch_id,
    touched_on,
    touched_at,
    cast(tie_number as integer) as tie_number,
    person_id,
    campaign_source,
    campaign_medium,
    campaign_name,
    campaign_id,
    page_host,
    referrer_host,
    has_campaign
from starts
where touched_on >= {{ sessions_from() }}
