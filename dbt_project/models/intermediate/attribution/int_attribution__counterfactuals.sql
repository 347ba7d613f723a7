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

    select
        month,
        channel_numbers,
        {{ sorted_list('order_number') }} as order_numbers
    from order_paths
    group by month, channel_numbers

),

distinct_paths as (

    select
        paths.month,
        paths.channel_numbers,
        paths.order_numbers,
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
        month,
        unnest(channel_numbers) as channel_number,
        {{ list_positions('channel_numbers') }} as touch_number
    from distinct_paths

),

compared as (

    select
        *,
        lag(channel_number) over (partition by path_number order by touch_number asc nulls last) as channel_before
    from path_touches

),

positioned as (

    select
        path_number,
        month,
        touch_number,
        channel_number,
        count(*) filter (where channel_number is distinct from channel_before) over (
            partition by path_number
            order by touch_number asc nulls last
            rows between unbounded preceding and current row
        ) as position
    from compared

),

runs as (

    select
        positioned.path_number,
        positioned.position,
        any_value(positioned.month) as month,
        {{ nth_of('any_value(channel_lists.channel_names)', 'any_value(positioned.channel_number)') }} as channel,
        count(*) as run_length
    from positioned
    cross join channel_lists
    group by positioned.path_number, positioned.position

),

-- A row per position holds no path: of a thousand touches that would be a million. What the path is without the
-- position is looked up by a code, and compared in full only where that fits.
runs_without as (

    select
        *,
        coalesce(sum({{ item_code('position', 'channel') }}) over (
            partition by path_number
            order by position asc nulls last
            rows between unbounded preceding and 1 preceding
        ), 0)
        + coalesce(sum({{ item_code('position - 1', 'channel') }}) over (
            partition by path_number
            order by position asc nulls last
            rows between 1 following and unbounded following
        ), 0) as code
    from runs

),

rates as (

    select
        *,
        {{ path_code('path') }} as code,
        row_number() over (order by month asc nulls last, path asc nulls last) as rate_number
    from {{ ref('int_attribution__path_rates') }}
    -- A path that never converts is as good as one never seen.
    where {{ in_window_months('month') }} and conversions > 0

),

rated_paths as (

    select
        paths.path_number,
        rates.paths,
        rates.conversions
    from distinct_paths as paths
    inner join rates on paths.month = rates.month and paths.path = rates.path

),

-- Grouped, so that no planner joins paths before codes have met.
candidates as (

    select
        runs_without.path_number,
        runs_without.position,
        rates.rate_number
    from runs_without
    inner join rates on runs_without.month = rates.month and runs_without.code = rates.code
    group by runs_without.path_number, runs_without.position, rates.rate_number

),

-- The path without a position is not collapsed again.
rates_without as (

    select
        candidates.path_number,
        candidates.position,
        rates.paths,
        rates.conversions
    from candidates
    inner join distinct_paths as paths on candidates.path_number = paths.path_number
    inner join rates on candidates.rate_number = rates.rate_number
    where {{ without_position('paths.path', 'candidates.position') }} = rates.path

),

worths as (

    select
        runs.path_number,
        runs.position,
        runs.run_length,
        -- p(path) - p(path without) as a ratio of integers.
        greatest(
            cast(rated_paths.conversions as {{ wide_integer() }}) * coalesce(rates_without.paths, 1)
            - cast(coalesce(rates_without.conversions, 0) as {{ wide_integer() }}) * rated_paths.paths,
            0
        ) as worth_numerator,
        cast(rated_paths.paths as {{ wide_integer() }}) * coalesce(rates_without.paths, 1) as worth_denominator
    from runs
    inner join rated_paths on runs.path_number = rated_paths.path_number
    left join rates_without
        on runs.path_number = rates_without.path_number and runs.position = rates_without.position

),

path_weights as (

    select
        positioned.path_number,
        positioned.touch_number,
        cast({{ half_even(
            'worths.worth_numerator * 1000000000000', 'worths.worth_denominator * worths.run_length'
        ) | indent(12) }} as bigint) as weight
    from positioned
    inner join worths on positioned.path_number = worths.path_number and positioned.position = worths.position

),

path_orders as (

    select
        path_number,
        unnest(order_numbers) as order_number
    from distinct_paths

),

counterfactuals as (

    select
        path_orders.order_number,
        path_weights.touch_number,
        path_weights.weight
    from path_orders
    inner join path_weights on path_orders.path_number = path_weights.path_number

)

select * from counterfactuals
