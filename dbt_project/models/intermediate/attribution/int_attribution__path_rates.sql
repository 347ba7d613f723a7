with

learning_paths as (

    select * from {{ ref('int_attribution__learning_paths') }}
    {% if is_incremental() -%}
    where month not in (select kept.month from {{ this }} as kept)
    {%- endif %}

),

collapsed as (

    select
        month,
        {{ without_repeats('path') }} as path,
        conversions,
        non_conversions
    from learning_paths

),

rates as (

    select
        month,
        path,
        {{ path_code('path') }} as code,
        row_number() over (order by month asc nulls last, path asc nulls last) as rate_number,
        cast(sum(conversions + non_conversions) as bigint) as paths,
        cast(sum(conversions) as bigint) as conversions
    from collapsed
    group by month, path
    -- A path that never converts is as good as one never seen.
    having {{ summed_as('conversions') }} > 0

),

positions as (

    select
        month,
        rate_number,
        paths,
        conversions,
        {{ unnested_with_positions('path', 'channel', 'position') | indent(8) }}
    from rates

),

-- A row per position holds no path: of a thousand touches that would be a million. What the path is without the
-- position is looked up by a code, and compared in full only where that fits.
positions_without as (

    select
        *,
        coalesce(sum({{ item_code('position', 'channel') }}) over (
            partition by rate_number
            order by position asc nulls last
            rows between unbounded preceding and 1 preceding
        ), 0)
        + coalesce(sum({{ item_code('position - 1', 'channel') }}) over (
            partition by rate_number
            order by position asc nulls last
            rows between 1 following and unbounded following
        ), 0) as code
    from positions

),

-- Grouped, so that no planner joins paths before codes have met.
candidates as (

    select
        positions_without.rate_number,
        positions_without.position,
        rates.rate_number as other_number
    from positions_without
    inner join rates on positions_without.month = rates.month and positions_without.code = rates.code
    group by positions_without.rate_number, positions_without.position, rates.rate_number

),

-- The path without a position is not collapsed again.
rates_without as (

    select
        candidates.rate_number,
        candidates.position,
        shorter.paths,
        shorter.conversions
    from candidates
    inner join rates on candidates.rate_number = rates.rate_number
    inner join rates as shorter on candidates.other_number = shorter.rate_number
    where {{ without_position('rates.path', 'candidates.position') }} = shorter.path

),

worths as (

    select
        positions.rate_number,
        positions.position,
        -- p(path) - p(path without) as a ratio of integers.
        greatest(
            positions.conversions * coalesce(rates_without.paths, 1)
            - coalesce(rates_without.conversions, 0) * positions.paths,
            0
        ) as numerator,
        positions.paths * coalesce(rates_without.paths, 1) as denominator
    from positions
    left join rates_without
        on positions.rate_number = rates_without.rate_number and positions.position = rates_without.position

),

worth_lists as (

    select
        rate_number,
        {{ sorted_list(struct_of([
            named_field('place', 'position'), named_field('numerator', 'numerator'),
            named_field('denominator', 'denominator')
        ])) }} as worths
    from worths
    group by rate_number

),

path_rates as (

    select
        rates.month,
        rates.path,
        rates.paths,
        rates.conversions,
        worth_lists.worths
    from rates
    inner join worth_lists on rates.rate_number = worth_lists.rate_number

)

select * from path_rates
