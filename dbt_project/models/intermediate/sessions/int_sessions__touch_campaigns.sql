with

starts as (

    select
        touch_id,
        touched_on,
        {{ without_www(lower_case('campaign_source')) }} as source,
        {{ lower_case('campaign_id') }} as id_key,
        {{ decoded_again('campaign_id') }} as decoded_id_key,
        {{ lower_case('campaign_name') }} as name_key,
        {{ decoded_again('campaign_name') }} as decoded_name_key
    from {{ ref('int_sessions__starts') }}
    where
        {{ in_window('touched_on') }}
        and coalesce(campaign_id, campaign_name) is not null

),

campaign_keys as (

    select * from {{ ref('int_spend__campaign_keys') }}

),

-- What a source names: a known platform, or a folder of cost that is called like it, with or without _ads.
platforms as (

    select
        source,
        platform
    from {{ ref('int_spend__platform_sources') }}
    union
    select
        network as source,
        network as platform
    from campaign_keys
    union
    select
        replace(network, '_ads', '') as source,
        network as platform
    from campaign_keys

),

said as (

    {% for key in ['id_key', 'decoded_id_key', 'name_key', 'decoded_name_key'] -%}
    select
        touch_id,
        touched_on,
        source,
        '{{ 'id' if 'id' in key else 'name' }}' as said_by,
        {{ key }} as campaign_key
    from starts
    where {{ key }} is not null
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}

),

matches as (

    select
        said.touch_id,
        campaign_keys.platform,
        campaign_keys.campaign_id,
        campaign_keys.network,
        campaign_keys.named_from,
        coalesce(campaign_keys.named_from > said.touched_on, false) as is_named_later,
        case
            when campaign_keys.key_kind = 'id' then case when said.said_by = 'id' then 1 else 2 end
            when campaign_keys.key_kind = 'name' then 3
            else 4
        end as step
    from said
    inner join campaign_keys on said.campaign_key = campaign_keys.campaign_key
    where
        (said.said_by = 'name' or campaign_keys.key_kind = 'id')
        and (
            said.source is null
            or said.source not in (select platforms.source from platforms)
            or exists (
                select 1 from platforms
                where said.source = platforms.source and campaign_keys.network = platforms.platform
            )
        )

),

ranked as (

    -- Of campaigns that share an id or a name the order is a fixed one; of those that once had a name, who had it then.
    select
        touch_id,
        platform,
        campaign_id,
        min(network) over of_step = max(network) over of_step as is_only_platform,
        row_number() over (
            partition by touch_id
            order by step asc, is_named_later asc, named_from desc nulls last, platform asc, campaign_id asc
        ) as place
    from matches
    window of_step as (partition by touch_id, step)

)

select
    touch_id,
    platform,
    campaign_id
from ranked
where place = 1 and is_only_platform
