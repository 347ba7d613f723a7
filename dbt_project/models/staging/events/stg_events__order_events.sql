with

source as (

    select * from {{ source('raw', 'events') }}

),

order_events as (

    select
        message_id,
        message_order,
        event,
        occurred_at,
        anonymous_id,
        user_id,
        order_id,
        currency,
        revenue_minor,
        coalesce(tax_minor, 0) as tax_minor,
        coalesce(shipping_minor, 0) as shipping_minor,
        total_minor
    from source
    where
        event in ('Order Completed', 'Order Refunded', 'Order Cancelled')
        and order_id is not null

)

select * from order_events
