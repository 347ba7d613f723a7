with

touches as (

    select
        order_number,
        {{ month_of('ordered_on') }} as month,
        touch_number,
        channel,
        case
            when channel = lag(channel) over (partition by order_number order by touch_number asc nulls last) then 0
            else 1
        end as is_new_position
    from {{ ref('int_attribution__paths') }}

),

positioned as (

    select
        *,
        sum(is_new_position) over (
            partition by order_number
            order by touch_number asc nulls last
            rows between unbounded preceding and current row
        ) as position
    from touches

),

runs as (

    select
        order_number,
        month,
        position,
        min(channel) as channel,
        count(*) as run_length
    from positioned
    group by order_number, month, position

),

paths as (

    select
        order_number,
        month,
        {{ ordered_list('channel', 'position asc nulls last') }} as path
    from runs
    group by order_number, month

),

-- Orders share paths, and what a position is worth depends on the path alone.
distinct_paths as (

    select distinct
        month,
        path
    from paths

),

steps as (

    select
        month,
        path,
        {{ list_positions('path') }} as position
    from distinct_paths

),

worths as (

    select
        steps.month,
        steps.path,
        steps.position,
        -- p(path) - p(path without) as a ratio of integers; the path without a position is not collapsed again.
        greatest(
            cast(rates.conversions as {{ wide_integer() }}) * coalesce(rates_without.paths, 1)
            - cast(coalesce(rates_without.conversions, 0) as {{ wide_integer() }}) * rates.paths,
            0
        ) as worth_numerator,
        cast(rates.paths as {{ wide_integer() }}) * coalesce(rates_without.paths, 1) as worth_denominator
    from steps
    inner join {{ ref('int_attribution__path_rates') }} as rates
        on steps.month = rates.month and steps.path = rates.path
    left join {{ ref('int_attribution__path_rates') }} as rates_without
        on
            steps.month = rates_without.month
            and {{ without_position('steps.path', 'steps.position') }} = rates_without.path

),

-- A row per path: a join by position as well is one that a planner may begin with.
path_worths as (

    select
        month,
        path,
        {{ ordered_list('worth_numerator', 'position asc nulls last') }} as worth_numerators,
        {{ ordered_list('worth_denominator', 'position asc nulls last') }} as worth_denominators
    from worths
    group by month, path

),

run_worths as (

    select
        runs.order_number,
        runs.position,
        runs.run_length,
        {{ nth_of('path_worths.worth_numerators', 'runs.position') }} as worth_numerator,
        {{ nth_of('path_worths.worth_denominators', 'runs.position') }} as worth_denominator
    from runs
    inner join paths on runs.order_number = paths.order_number
    inner join path_worths on paths.month = path_worths.month and paths.path = path_worths.path

),

run_weights as (

    select
        order_number,
        position,
        {{ half_even('worth_numerator * 1000000000000', 'worth_denominator * run_length') | indent(8) }} as weight
    from run_worths

),

counterfactuals as (

    select
        positioned.order_number,
        positioned.touch_number,
        run_weights.weight
    from positioned
    inner join run_weights
        on positioned.order_number = run_weights.order_number and positioned.position = run_weights.position

)

select * from counterfactuals
