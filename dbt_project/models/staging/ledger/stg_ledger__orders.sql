with

source as (

    select * from {{ source('raw', 'ledger_orders') }}

),

latest as (

    select
        order_id,
        ordered_at,
        status,
        revenue_minor,
        refunded_minor,
        cogs_minor,
        currency
    from source
    qualify
        row_number() over (
            partition by order_id
            order by updated_at desc nulls last, file desc nulls last, line desc nulls last
        ) = 1

)

select * from latest
