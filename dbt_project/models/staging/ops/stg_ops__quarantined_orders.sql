with

source as (

    select * from {{ source('ops', 'quarantine') }}

),

quarantined_orders as (

    select
        order_id,
        bool_or(released_at is null) as is_set_aside
    from source
    where order_id is not null
    group by order_id

)

select * from quarantined_orders
