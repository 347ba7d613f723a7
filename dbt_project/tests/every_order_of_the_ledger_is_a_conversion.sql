-- Fails if an order of the ledger that is not cancelled is missing on its accounting day, or a cancelled one is there.
with

ledger as (

    select
        order_id,
        status,
        {{ local_date('ordered_at') }} as ordered_on
    from {{ ref('stg_ledger__orders') }}
    where ordered_at >= {{ window_start() }} and ordered_at < {{ window_end() }}

),

conversions as (

    select
        order_id,
        ordered_on
    from {{ ref('int_orders__conversions') }}
    where {{ in_window('ordered_on') }} and is_in_ledger

)

select
    ledger.order_id,
    conversions.ordered_on
from ledger
full outer join conversions on ledger.order_id = conversions.order_id and ledger.ordered_on = conversions.ordered_on
where (conversions.order_id is null) != (coalesce(ledger.status, 'cancelled') = 'cancelled')
