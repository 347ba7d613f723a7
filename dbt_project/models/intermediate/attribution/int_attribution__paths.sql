with

conversions as (

    -- A number is a lighter key for what follows than the order's own id.
    select
        *,
        row_number() over (order by order_id asc nulls last) as order_number
    from {{ ref('int_orders__conversions') }}
    where {{ in_window('ordered_on') }} and is_priced

),

touchpoints as (

    select * from {{ ref('int_sessions__touchpoints') }}

),

paths as (

    select
        conversions.order_number,
        conversions.order_id,
        conversions.ordered_on,
        touchpoints.touch_id,
        touchpoints.touched_at,
        touchpoints.touched_on,
        touchpoints.channel,
        touchpoints.campaign,
        row_number() over (
            partition by conversions.order_number
            order by
                {{ touch_order('touchpoints') | indent(16) }}
        ) as touch_number
    from conversions
    inner join touchpoints on {{ in_lookback('conversions', 'touchpoints') | indent(8) }}

)

select * from paths
