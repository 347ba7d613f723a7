with

source as (

    select * from {{ source('raw', 'events') }}
    where {{ is_accepted_event() }}

),

order_events as (

    select
        message_id,
        message_order,
        case when event in ('Order Refunded', 'Order Cancelled') then event else 'Order Completed' end as event,
        -- A track of another name that counts as a conversion is one, at the value that is configured for it.
        case when event in ('Order Refunded', 'Order Cancelled') then 'Order Completed' else event end
            as conversion_type,
        occurred_at,
        anonymous_id,
        user_id,
        order_id,
        {{ configured_currency('event', 'currency') | indent(8) }} as currency,
        {{ configured_value('event', 'revenue_minor') | indent(8) }} as revenue_minor,
        coalesce(tax_minor, 0) as tax_minor,
        coalesce(shipping_minor, 0) as shipping_minor,
        total_minor
    from source
    where
        event in ('Order Completed', 'Order Refunded', 'Order Cancelled'{{ configured_events() }})
        and order_id is not null

)

select * from order_events
