with

touches as (

    select
        *,
        {{ month_of('ordered_on') }} as month
    from {{ ref('int_attribution__paths') }}

),

channel_lists as (

    {{ channel_list(['touches']) | indent(4) }}

),

order_steps as (

    select
        touches.order_number,
        touches.month,
        {{ sorted_list(step(
            'touches.touch_number', position_in('channel_lists.channel_names', 'touches.channel')
        )) }} as steps
    from touches
    cross join channel_lists
    group by touches.order_number, touches.month

),

order_paths as (

    select
        order_number,
        month,
        {{ path_of('steps') }} as channel_numbers
    from order_steps

),

-- Orders share paths, and what a touch is worth depends on the path alone.
paths as (

    select distinct
        month,
        channel_numbers
    from order_paths

),

distinct_paths as (

    select
        paths.month,
        paths.channel_numbers,
        {{ items_at('channel_lists.channel_names', without_repeats('paths.channel_numbers')) }} as path,
        row_number() over (
            order by paths.month asc nulls last, paths.channel_numbers asc nulls last
        ) as path_number
    from paths
    cross join channel_lists

),

path_touches as (

    select
        path_number,
        channel_numbers,
        {{ list_positions('channel_numbers') }} as touch_number
    from distinct_paths

),

positioned as (

    select
        path_number,
        touch_number,
        count(*) filter (
            where
            touch_number = 1
            or {{ nth_of('channel_numbers', 'touch_number') }} != {{ nth_of('channel_numbers', 'touch_number - 1') }}
        ) over (
            partition by path_number
            order by touch_number asc nulls last
            rows between unbounded preceding and current row
        ) as position
    from path_touches

),

runs as (

    select
        path_number,
        position,
        count(*) as run_length
    from positioned
    group by path_number, position

),

worths as (

    select
        runs.path_number,
        runs.position,
        runs.run_length,
        -- p(path) - p(path without) as a ratio of integers; the path without a position is not collapsed again.
        greatest(
            cast(rates.conversions as {{ wide_integer() }}) * coalesce(rates_without.paths, 1)
            - cast(coalesce(rates_without.conversions, 0) as {{ wide_integer() }}) * rates.paths,
            0
        ) as worth_numerator,
        cast(rates.paths as {{ wide_integer() }}) * coalesce(rates_without.paths, 1) as worth_denominator
    from runs
    inner join distinct_paths as paths on runs.path_number = paths.path_number
    inner join {{ ref('int_attribution__path_rates') }} as rates
        on paths.month = rates.month and paths.path = rates.path
    left join {{ ref('int_attribution__path_rates') }} as rates_without
        on
            paths.month = rates_without.month
            and {{ without_position('paths.path', 'runs.position') }} = rates_without.path

),

run_weights as (

    select
        path_number,
        position,
        cast(
            {{ half_even('worth_numerator * 1000000000000', 'worth_denominator * run_length') | indent(12) }} as bigint
        ) as weight
    from worths

),

-- A row per path: a join by position as well is one that a planner may begin with.
path_run_weights as (

    select
        path_number,
        {{ ordered_list('weight', 'position asc nulls last') }} as weights
    from run_weights
    group by path_number

),

path_weights as (

    select
        positioned.path_number,
        {{ ordered_list(nth_of('path_run_weights.weights', 'positioned.position'),
            'positioned.touch_number asc nulls last') }} as weights
    from positioned
    inner join path_run_weights on positioned.path_number = path_run_weights.path_number
    group by positioned.path_number

),

counterfactuals as (

    select
        order_paths.order_number,
        path_weights.weights
    from order_paths
    inner join distinct_paths
        on order_paths.month = distinct_paths.month and order_paths.channel_numbers = distinct_paths.channel_numbers
    inner join path_weights on distinct_paths.path_number = path_weights.path_number

)

select * from counterfactuals
