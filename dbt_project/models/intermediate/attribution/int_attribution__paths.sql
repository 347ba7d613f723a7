with

orders as (

    select * from {{ ref('int_attribution__orders') }}

),

touchpoints as (

    select * from {{ ref('int_sessions__touchpoints') }}

),

paths as (

    select
        orders.order_number,
        orders.ordered_on,
        touchpoints.touch_id,
        touchpoints.touched_at,
        touchpoints.touched_on,
        touchpoints.channel,
        touchpoints.campaign,
        row_number() over (
            partition by orders.order_number
            order by
                {{ touch_order('touchpoints') | indent(16) }}
        ) as touch_number,
        count(*) over (partition by orders.order_number) as touch_count,
        max(touchpoints.touched_at) over (partition by orders.order_number) as last_touched_at
    from orders
    inner join touchpoints on {{ in_lookback('orders', 'touchpoints') | indent(8) }}

)

select * from paths
