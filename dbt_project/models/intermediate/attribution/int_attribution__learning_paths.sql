-- depends_on: {{ ref('stg_ops__final_days') }}
with

months as (

    {{ learning_months(this if is_incremental() else none) | indent(4) }}

),

conversions as (

    select * from {{ ref('int_orders__conversions') }}

),

learning_days as (

    select
        min(first_on) as first_on,
        max(last_on) as last_on
    from months

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

    select {{ unnested('path', 'channel') }}
    from settled_paths
    union all
    select {{ unnested('path', 'channel') }}
    from {{ ref('int_orders__settled') }}

),

-- Touchpoints are read twice: imported once, all of them would be held in memory. Of all days, as an order may be
-- accounted long after its touches; a column of so few values costs little.
channels as (

    select distinct channel
    from {{ ref('int_sessions__touchpoints') }}

),

known_channels as (

    {{ channel_list(['channels', 'settled_touches']) | indent(4) }}

),

ties as (

    select coalesce(max(tie_number), 0) as largest
    from {{ ref('int_sessions__touchpoints') }}

),

channel_lists as (

    select
        known_channels.channel_names,
        known_channels.channel_slots,
        {{ tie_slots('ties.largest', 'known_channels.channel_slots') }} as tie_slots
    from known_channels
    cross join ties

),

converting_touches as (

    select * from {{ ref('int_attribution__converting_touches') }}

),

converting as (

    select
        touches.ordered_on,
        {{ sorted_list(step(
            tied('touches.moment', 'touches.tie_number'), position_in('channel_lists.channel_names', 'touches.channel')
        )) }} as steps
    from converting_touches as touches
    cross join channel_lists
    group by touches.order_number, touches.ordered_on

),

-- Lists once per person, not once per person and month: windows of 90 days overlap.
persons as (

    select
        touchpoints.person_id,
        {{ sorted_list(step(
            tied(moment('touchpoints.touched_at'), 'touchpoints.tie_number'),
            position_in('channel_lists.channel_names', 'touchpoints.channel')
        )) }} as steps
    from {{ ref('int_sessions__touchpoints') }} as touchpoints
    -- Not a condition: a planner that takes it for one expects few rows of it.
    inner join learning_days on touchpoints.touched_on between learning_days.first_on and learning_days.last_on
    cross join channel_lists
    group by touchpoints.person_id

),

months_bought as (

    select
        conversions.person_id,
        {{ list_of_distinct('months.month') }} as months
    from conversions
    inner join months on conversions.ordered_on between months.first_on and months.last_on
    where conversions.person_id is not null
    group by conversions.person_id

),

month_steps as (

    select
        months.month,
        {{ step(tied(moment(utc_midnight('months.first_on'))), 0) }} as first_step,
        {{ step(tied(moment(utc_midnight('(months.last_on + 1)'))), 0) }} as last_step
    from months
    cross join channel_lists

),

not_converting as (

    select
        month_steps.month,
        {{ items_between('persons.steps', 'month_steps.first_step', 'month_steps.last_step') | indent(8) }} as steps
    from persons
    left join months_bought on persons.person_id = months_bought.person_id
    cross join month_steps
    where not {{ has_item('months_bought.months', 'month_steps.month') }}

),

paths as (

    select
        months.month,
        {{ path_of('converting.steps') }} as channel_numbers,
        1 as conversions,
        0 as non_conversions
    from converting
    inner join months on converting.ordered_on between months.first_on and months.last_on
    cross join channel_lists
    union all
    select
        not_converting.month,
        {{ path_of('not_converting.steps') }} as channel_numbers,
        0 as conversions,
        1 as non_conversions
    from not_converting
    cross join channel_lists
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
    -- Persons without a touch in a month's days. Of an aggregate, as a condition on what is grouped would be worked out
    -- ahead of the grouping, and the lists with it, twice.
    having max({{ list_length('channel_numbers') }}) > 0

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
