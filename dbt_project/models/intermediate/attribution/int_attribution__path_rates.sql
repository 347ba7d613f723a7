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

path_rates as (

    select
        month,
        path,
        cast(sum(conversions + non_conversions) as bigint) as paths,
        cast(sum(conversions) as bigint) as conversions
    from collapsed
    group by month, path

)

select * from path_rates
