with

months as (

    {{ learning_months(this if is_incremental() else none) | indent(4) }}

),

conversions as (

    select * from {{ ref('int_orders__conversions') }}

),

touchpoints as (

    select * from {{ ref('int_sessions__touchpoints') }}
    where touched_on between (select min(months.first_on) from months) and (select max(months.last_on) from months)

),

converting_touches as (

    select * from {{ ref('int_attribution__converting_touches') }}

),

channels as (

    {{ channel_numbers(['converting_touches', 'touchpoints']) | indent(4) }}

),

channel_lists as (

    select {{ ordered_list('channel', 'channel_number asc nulls last') }} as channel_names
    from channels

),

converting as (

    select
        touches.ordered_on,
        {{ sorted_list(step('touches.touch_number', 'channels.channel_number')) }} as steps
    from converting_touches as touches
    inner join channels on touches.channel = channels.channel
    group by touches.order_number, touches.ordered_on

),

buyers as (

    select distinct
        months.month,
        conversions.person_id
    from conversions
    inner join months on conversions.ordered_on between months.first_on and months.last_on
    where conversions.person_id is not null

),

person_touches as (

    select
        touchpoints.person_id,
        touchpoints.touched_on,
        channels.channel_number,
        row_number() over (
            partition by touchpoints.person_id
            order by
                {{ touch_order('touchpoints') | indent(16) }}
        ) as touch_number
    from touchpoints
    inner join channels on touchpoints.channel = channels.channel

),

not_converting as (

    select
        months.month,
        {{ sorted_list(step('touches.touch_number', 'touches.channel_number')) }} as steps
    from person_touches as touches
    inner join months on touches.touched_on between months.first_on and months.last_on
    left join buyers on months.month = buyers.month and touches.person_id = buyers.person_id
    where buyers.person_id is null
    group by months.month, touches.person_id

),

paths as (

    select
        months.month,
        {{ path_of('converting.steps') }} as channel_numbers,
        1 as conversions,
        0 as non_conversions
    from converting
    inner join months on converting.ordered_on between months.first_on and months.last_on
    union all
    select
        not_converting.month,
        {{ path_of('not_converting.steps') }} as channel_numbers,
        0 as conversions,
        1 as non_conversions
    from not_converting

),

-- Channels get their names back when there is one row per path.
distinct_paths as (

    select
        month,
        channel_numbers,
        sum(conversions) as conversions,
        sum(non_conversions) as non_conversions
    from paths
    group by month, channel_numbers

),

named as (

    select
        distinct_paths.month,
        {{ items_at('channel_lists.channel_names', 'distinct_paths.channel_numbers') }} as path,
        distinct_paths.conversions,
        distinct_paths.non_conversions
    from distinct_paths
    cross join channel_lists
    union all
    -- Of persons who are gone.
    select
        settled_paths.month,
        settled_paths.path,
        0 as conversions,
        settled_paths.non_conversions
    from {{ ref('stg_ops__settled_paths') }} as settled_paths
    inner join months on settled_paths.month = months.month

),

learning_paths as (

    select
        month,
        path,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(non_conversions) as bigint) as non_conversions
    from named
    group by month, path

)

select * from learning_paths
