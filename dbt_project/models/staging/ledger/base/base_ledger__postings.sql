with

source as (

    select * from {{ source('raw', 'ledger_orders') }}
    where posting is not null and {{ is_accepted_order() }}

),

named_files as (

    select
        file,
        {{ natural_order('file') }} as landed_as
    from (select distinct file from source) as files

),

-- The same posting in a later file is the same one.
postings as (

    select source.*
    from source
    inner join named_files on source.file = named_files.file
    qualify
        dense_rank() over (
            partition by source.order_id, source.item_hash, source.ordered_at
            order by source.updated_at desc, named_files.landed_as desc, source.file desc
        ) = 1

),

-- All that was paid for an order stands at its first payment. What failed counts nothing.
payments as (

    select
        max(file) as last_file,
        max(line) as last_line,
        order_id,
        coalesce(min(case when status <> 'cancelled' then ordered_at end), min(ordered_at)) as ordered_at,
        case when bool_and(status = 'cancelled') then 'cancelled' else 'completed' end as status,
        sum(case when status = 'cancelled' then 0 else revenue_minor end) as revenue_minor,
        sum(case when status = 'cancelled' then 0 else refunded_minor end) as refunded_minor,
        sum(case when status <> 'cancelled' then paid_minor end) as paid_minor,
        currency,
        max(updated_at) as updated_at
    from postings
    where posting = 'payment'
    group by order_id, currency

),

-- A return that was undone, such as a dispute that was won, takes back what it gave.
returned as (

    select
        order_id,
        currency,
        sum(case when paid_minor is null then -revenue_minor else 0 end) as goods_minor,
        sum(case when paid_minor is null then 0 else -paid_minor end) as total_minor
    from postings
    where posting = 'return' and status <> 'cancelled'
    group by order_id, currency

),

orders as (

    select
        payments.last_file,
        payments.last_line,
        coalesce(payments.order_id, returned.order_id) as order_id,
        payments.ordered_at,
        payments.status,
        payments.revenue_minor,
        payments.refunded_minor,
        coalesce(payments.currency, returned.currency) as currency,
        payments.updated_at,
        -- Of what came back with tax and shipping in it, the goods' part is that of the payments.
        coalesce(returned.goods_minor, 0) + case
            when returned.total_minor > 0 and payments.paid_minor > 0
                then {{ half_even_of_any(
                    'cast(returned.total_minor as ' ~ wide_integer() ~ ') * payments.revenue_minor', 'payments.paid_minor'
                ) | indent(16) }}
            else coalesce(returned.total_minor, 0)
        end as returned_minor
    from payments
    full join returned on payments.order_id = returned.order_id and payments.currency = returned.currency

)

select * from orders
