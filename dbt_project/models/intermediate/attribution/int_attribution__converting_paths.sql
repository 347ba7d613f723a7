with

conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where
        person_id is not null
        and ordered_on > {{ last_day_of(from_date()) }} - 90
        and ordered_on <= {{ last_day_of(to_date()) }}

),

touchpoints as (

    select * from {{ ref('int_sessions__touchpoints') }}

),

-- Priced or not: what one learns from is that somebody bought.
paths as (

    select
        conversions.order_id,
        conversions.ordered_on,
        conversions.buyer_id,
        {{ ordered_list('touchpoints.channel', touch_order('touchpoints')) | indent(8) }} as path
    from conversions
    inner join touchpoints on {{ in_lookback('conversions', 'touchpoints') | indent(8) }}
    group by conversions.order_id, conversions.ordered_on, conversions.buyer_id
    union all
    -- Those of persons who are gone, as they were.
    select
        conversions.order_id,
        conversions.ordered_on,
        conversions.buyer_id,
        settled.path
    from {{ ref('int_orders__conversions') }} as conversions
    inner join {{ ref('int_orders__settled') }} as settled on conversions.order_id = settled.order_id
    where
        settled.path is not null
        and conversions.ordered_on > {{ last_day_of(from_date()) }} - 90
        and conversions.ordered_on <= {{ last_day_of(to_date()) }}

)

select * from paths
