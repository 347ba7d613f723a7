with

settled_orders as (

    select * from {{ ref('stg_ops__settled_orders') }}

)

select * from settled_orders
