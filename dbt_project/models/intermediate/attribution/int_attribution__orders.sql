with

orders as (

    select
        order_id,
        ordered_on,
        converted_at,
        conversion_type,
        person_id,
        buyer_id,
        revenue_cents,
        refund_cents,
        cogs_cents,
        cast(1000000 as bigint) as conversion_millionths,
        -- A number is a lighter key for what follows than the order's own id.
        {{ row_identity('order_id') }} as order_number
    from {{ ref('int_orders__conversions') }}
    where {{ in_window('ordered_on') }} and is_priced

)

select * from orders
