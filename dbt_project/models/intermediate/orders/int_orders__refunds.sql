with

orders as (

    select * from {{ ref('int_orders__accounted') }}
    where not is_in_ledger

),

refund_events as (

    select * from {{ ref('stg_events__order_events') }}
    where event = 'Order Refunded'

),

rates as (

    select * from {{ ref('int_fx__daily_rates') }}

),

-- A refund's total includes tax and shipping: the goods' part of it is the goods' part of the order.
refunded_goods as (

    select
        orders.order_id,
        orders.ordered_on,
        refund_events.currency,
        case
            when max(orders.total_minor) = 0 then 0
            else {{ half_even(
                'sum(cast(refund_events.total_minor as ' ~ wide_integer() ~ ')) * max(orders.revenue_minor)',
                'max(orders.total_minor)'
            ) | indent(12) }}
        end as refund_minor
    from orders
    inner join refund_events on orders.order_id = refund_events.order_id
    group by orders.order_id, orders.ordered_on, refund_events.currency

),

-- A refund in another currency than its order's is turned by itself; one without a rate leaves the order unpriced.
refunds as (

    select
        refunded_goods.order_id,
        case
            when count(*) = count(rates.currency)
                then cast(sum({{ to_cents('refunded_goods.refund_minor', 'rates') }}) as bigint)
        end as refund_cents
    from refunded_goods
    left join rates on refunded_goods.ordered_on = rates.priced_on and refunded_goods.currency = rates.currency
    group by refunded_goods.order_id

)

select * from refunds
