with

orders as (

    select * from {{ ref('int_orders__accounted') }}
    where not is_in_ledger

),

refund_events as (

    -- Without an amount it is the rest of its order.
    select
        *,
        total_minor is null and revenue_minor is null as is_rest
    from {{ ref('stg_events__order_events') }}
    where event = 'Order Refunded'

),

rates as (

    select * from {{ ref('int_fx__daily_rates') }}

),

rest_refunds as (

    select distinct order_id
    from refund_events
    where is_rest

),

-- A refund's total includes tax and shipping: the goods' part of it is the goods' part of the order. One without a
-- total names the goods themselves.
refunded_goods as (

    select
        orders.order_id,
        orders.ordered_on,
        orders.currency as order_currency,
        refund_events.currency,
        case
            when max(orders.total_minor) = 0 then 0
            else {{ half_even_of_any(
                'coalesce(sum(cast(refund_events.total_minor as ' ~ wide_integer() ~ ')), 0) * max(orders.revenue_minor)',
                'max(orders.total_minor)'
            ) | indent(12) }}
        end
        + coalesce(sum(case when refund_events.total_minor is null then refund_events.revenue_minor end), 0)
            as refund_minor
    from orders
    inner join refund_events on orders.order_id = refund_events.order_id
    where not refund_events.is_rest
    group by orders.order_id, orders.ordered_on, orders.currency, refund_events.currency

),

-- A refund in another currency than its order's is turned by itself; one without a rate leaves the order unpriced.
priced_refunds as (

    select
        refunded_goods.order_id,
        case
            when count(*) = count(rates.currency)
                then cast(sum({{ to_cents('refunded_goods.refund_minor', 'rates', largest_worth_cents()) }}) as bigint)
        end as refund_cents,
        -- The same in the currency of the order.
        {{ sum_of_minor(
            'case when refunded_goods.currency = refunded_goods.order_currency then refunded_goods.refund_minor else '
            ~ to_minor(to_cents('refunded_goods.refund_minor', 'rates', largest_worth_cents()), 'order_rates') ~ ' end'
        ) | indent(8) }} as refund_minor
    from refunded_goods
    left join rates on refunded_goods.ordered_on = rates.priced_on and refunded_goods.currency = rates.currency
    left join rates as order_rates
        on refunded_goods.ordered_on = order_rates.priced_on and refunded_goods.order_currency = order_rates.currency
    group by refunded_goods.order_id

),

refunds as (

    select
        orders.order_id,
        rest_refunds.order_id is not null as is_rest,
        priced_refunds.refund_cents,
        priced_refunds.refund_minor
    from orders
    left join rest_refunds on orders.order_id = rest_refunds.order_id
    left join priced_refunds on orders.order_id = priced_refunds.order_id
    where rest_refunds.order_id is not null or priced_refunds.order_id is not null

)

select * from refunds
