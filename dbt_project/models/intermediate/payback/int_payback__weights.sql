with

later_orders as (

    select * from {{ ref('int_payback__later_orders') }}

),

-- A later order is split as the first one of its buyer was.
firsts as (

    select
        order_id,
        touch_number,
        channel,
        weights,
        count(*) over (partition by order_id) as touch_count
    from {{ ref('int_attribution__touch_credits') }}
    where order_id in (select later_orders.first_order_id from later_orders)

),

weights as (

    select
        {{ order_columns('later_orders') | indent(8) }},
        coalesce(firsts.touch_count, 1) as touch_count,
        coalesce(firsts.touch_number, 0) as touch_number,
        cast(null as {{ uuid_type() }}) as touch_id,
        later_orders.ordered_on as touched_on,
        firsts.channel,
        cast(null as {{ text_type() }}) as campaign,
        coalesce(firsts.weights, {{ equal_weights() | indent(8) }}) as weights
    from later_orders
    left join firsts on later_orders.first_order_id = firsts.order_id

)

select * from weights
