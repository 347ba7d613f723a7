-- depends_on: {{ ref('stg_ops__final_days') }}
with

months as (

    {{ learning_months(this if is_incremental() else none) | indent(4) }}

),

conversions as (

    select * from {{ ref('int_orders__conversions') }}

),

days as (

    select
        min(first_on) as first_on,
        max(last_on) as last_on
    from months

),

touchpoints as (

    select touchpoints.*
    from {{ ref('int_sessions__touchpoints') }} as touchpoints
    -- Not a condition: a planner that takes it for one expects few rows of it.
    inner join days on touchpoints.touched_on between days.first_on and days.last_on

),

-- Of persons who are gone.
settled_paths as (

    select
        settled_paths.month,
        settled_paths.path,
        settled_paths.non_conversions
    from {{ ref('stg_ops__settled_paths') }} as settled_paths
    inner join months on settled_paths.month = months.month

),

settled_touches as (

    select unnest(path) as channel
    from settled_paths

),

converting_touches as (

    select * from {{ ref('int_attribution__converting_touches') }}

),

channel_lists as (

    {{ channel_list(['converting_touches', 'touchpoints', 'settled_touches']) | indent(4) }}

),

order_touches as (

    select
        touches.order_number,
        touches.ordered_on,
        {{ position_in('channel_lists.channel_names', 'touches.channel') }} as channel_number,
        row_number() over (
            partition by touches.order_number
            order by
                touches.place asc nulls last,
                {{ touch_order('touches') | indent(16) }}
        ) as touch_number
    from converting_touches as touches
    cross join channel_lists

),

converting as (

    select
        ordered_on,
        {{ sorted_list(step('touch_number', 'channel_number')) }} as steps
    from order_touches
    group by order_number, ordered_on

),

buyers as (

    select distinct
        months.month,
        conversions.person_id
    from conversions
    inner join months on conversions.ordered_on between months.first_on and months.last_on
    where conversions.person_id is not null

),

-- Before touches are sorted, or the list of channels is carried along.
numbered_touchpoints as (

    select
        touchpoints.*,
        {{ position_in('channel_lists.channel_names', 'touchpoints.channel') }} as channel_number
    from touchpoints
    cross join channel_lists

),

person_touches as (

    select
        touchpoints.person_id,
        touchpoints.touched_on,
        touchpoints.channel_number,
        row_number() over (
            partition by touchpoints.person_id
            order by
                {{ touch_order('touchpoints') | indent(16) }}
        ) as touch_number
    from numbered_touchpoints as touchpoints

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
    union all
    select
        settled_paths.month,
        {{ positions_in('channel_lists.channel_names', 'settled_paths.path') }} as channel_numbers,
        0 as conversions,
        settled_paths.non_conversions
    from settled_paths
    cross join channel_lists

),

distinct_paths as (

    select
        month,
        channel_numbers,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(non_conversions) as bigint) as non_conversions
    from paths
    group by month, channel_numbers

),

-- Channels get their names back when there is one row per path.
learning_paths as (

    select
        distinct_paths.month,
        {{ items_at('channel_lists.channel_names', 'distinct_paths.channel_numbers') }} as path,
        distinct_paths.conversions,
        distinct_paths.non_conversions
    from distinct_paths
    cross join channel_lists

)

select * from learning_paths
