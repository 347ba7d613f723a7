with

source as (

    select * from {{ source('ops', 'settled_orders') }}

),

settled_orders as (

    select
        order_id,
        buyer_id,
        segment,
        path
    from source

)

select * from settled_orders
