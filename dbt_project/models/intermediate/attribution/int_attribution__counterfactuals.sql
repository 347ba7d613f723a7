with

touches as (

    select
        *,
        {{ month_of('ordered_on') }} as month
    from {{ ref('int_attribution__paths') }}
    where touch_count > 1

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
        order_steps.order_number,
        order_steps.month,
        {{ path_of('order_steps.steps') }} as channel_numbers
    from order_steps
    cross join channel_lists

),

-- Orders share paths, and what a touch is worth depends on the path alone.
paths as (

    select
        month,
        channel_numbers,
        {{ list_of('order_number') }} as order_numbers
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
        {{ unnested_with_positions('channel_numbers', 'channel_number', 'touch_number') | indent(8) }}
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
        path_number,
        position,
        count(*) as run_length
    from positioned
    group by path_number, position

),

worths as (

    select
        paths.path_number,
        {{ unnested('rates.worths', 'worth') }}
    from distinct_paths as paths
    inner join {{ ref('int_attribution__path_rates') }} as rates
        on paths.month = rates.month and paths.path = rates.path

),

shared as (

    select
        runs.path_number,
        runs.position,
        cast({{ field('worths.worth', 'numerator') }} as {{ wide_integer() }}) * 1000000000000 as worth,
        cast({{ field('worths.worth', 'denominator') }} as {{ wide_integer() }}) * runs.run_length as parts
    from runs
    inner join worths
        on runs.path_number = worths.path_number and runs.position = {{ field('worths.worth', 'place') }}

),

run_weights as (

    select
        path_number,
        position,
        cast({{ half_even('worth', 'parts') | indent(12) }} as bigint) as weight
    from shared

),

path_weights as (

    select
        positioned.path_number,
        positioned.touch_number,
        run_weights.weight
    from positioned
    inner join run_weights
        on positioned.path_number = run_weights.path_number and positioned.position = run_weights.position

),

path_orders as (

    select
        path_number,
        {{ unnested('order_numbers', 'order_number') }}
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
