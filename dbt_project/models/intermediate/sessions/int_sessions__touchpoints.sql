with

starts as (

    select
        *,
        {{ without_www('referrer_host') }} as referrer,
        referrer_host is not null
        and {{ without_www('referrer_host') }} != coalesce({{ without_www('page_host') }}, '')
        and not {{ is_in_domains('referrer_host', var('internal_domains') + var('payment_domains')) }}
            as is_referred
    from {{ ref('int_sessions__starts') }}
    where {{ in_window('touched_on') }}

),

known_sources as (

    select
        source,
        category
    from {{ ref('channel_sources') }}
    {% if var('sources') -%}
    where
        source not in (
            {%- for one in var('sources') %}
            {{ text(one.source) }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    {%- for one in var('sources') %}
    union all
    select
        {{ text(one.source) }} as source,
        '{{ one.category }}' as category
    {%- endfor %}
    {%- endif %}

),

campaigns as (

    select
        touch_campaigns.touch_id,
        campaigns.campaign,
        campaigns.channel
    from {{ ref('int_sessions__touch_campaigns') }} as touch_campaigns
    inner join {{ ref('int_spend__campaigns') }} as campaigns
        on touch_campaigns.platform = campaigns.platform and touch_campaigns.campaign_id = campaigns.campaign_id

),

campaign_names as (

    select * from {{ ref('int_sessions__campaign_names') }}

),

originated as (

    select
        starts.touch_id,
        starts.touched_on,
        starts.touched_at,
        starts.tie_number,
        starts.person_id,
        starts.campaign_id,
        -- However often and in whatever case it is spelt, it is one campaign.
        coalesce(campaign_names.campaign, starts.campaign_name, starts.campaign_id, '(none)') as campaign,
        case
            when starts.has_campaign then coalesce(starts.campaign_source, '(not set)')
            when starts.is_referred then starts.referrer
            else '(direct)'
        end as source,
        case
            when starts.has_campaign then coalesce(starts.campaign_medium, '(not set)')
            when not starts.is_referred then '(none)'
            when known_sources.category = 'search' then 'organic'
            when known_sources.category = 'social' then 'social'
            else 'referral'
        end as medium
    from starts
    left join known_sources on starts.referrer = known_sources.source
    left join campaign_names
        on {{ campaign_key('coalesce(starts.campaign_name, starts.campaign_id)') }} = campaign_names.campaign_key

),

touchpoints as (

    select
        originated.touch_id,
        originated.touched_on,
        originated.touched_at,
        originated.tie_number,
        originated.person_id,
        originated.source,
        originated.medium,
        originated.campaign_id,
        coalesce(campaigns.campaign, originated.campaign) as campaign,
        coalesce(
            campaigns.channel,
            {{ channel_group(
                lower_case('originated.source'), lower_case('originated.medium'), lower_case('originated.campaign'),
                "coalesce(known_sources.category, '')"
            ) | indent(12) }}
        ) as channel
    from originated
    left join known_sources on {{ without_www(lower_case('originated.source')) }} = known_sources.source
    left join campaigns on originated.touch_id = campaigns.touch_id

)

select * from touchpoints
