with

settled_orders as (

    select
        order_id,
        buyer_id,
        segment,
        path
    from {{ ref('stg_ops__settled_orders') }}

)

select
    order_id,
    buyer_id,
    segment,
    path
from settled_orders
