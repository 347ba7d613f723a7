with

settled_orders as (

    select
        order_id,
        buyer_id,
        segment,
        path
    from {{ ref('stg_ops__settled_orders') }}

)

select * from settled_orders
