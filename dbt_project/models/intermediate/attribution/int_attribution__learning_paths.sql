with

months as (

    {{ learning_months(this if is_incremental() else none) | indent(4) }}

),

conversions as (

    select * from {{ ref('int_orders__conversions') }}

),

touchpoints as (

    select * from {{ ref('int_sessions__touchpoints') }}

),

converting as (

    select
        months.month,
        paths.path,
        1 as conversions,
        0 as non_conversions
    from {{ ref('int_attribution__converting_paths') }} as paths
    inner join months on paths.ordered_on between months.first_on and months.last_on

),

buyers as (

    select distinct
        months.month,
        conversions.person_id
    from conversions
    inner join months on conversions.ordered_on between months.first_on and months.last_on
    where conversions.person_id is not null

),

not_converting as (

    select
        months.month,
        {{ ordered_list('touchpoints.channel', touch_order('touchpoints')) | indent(8) }} as path,
        0 as conversions,
        1 as non_conversions
    from touchpoints
    inner join months on touchpoints.touched_on between months.first_on and months.last_on
    left join buyers on months.month = buyers.month and touchpoints.person_id = buyers.person_id
    where buyers.person_id is null
    group by months.month, touchpoints.person_id

),

paths as (

    select * from converting
    union all
    select * from not_converting
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
    from paths
    group by month, path

)

select * from learning_paths
