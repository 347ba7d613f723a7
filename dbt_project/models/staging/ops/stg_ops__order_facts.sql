with

source as (

    select * from {{ source('ops', 'order_facts') }}

),

order_facts as (

    select
        order_id,
        segment,
        is_first_order
    from source

)

select * from order_facts
