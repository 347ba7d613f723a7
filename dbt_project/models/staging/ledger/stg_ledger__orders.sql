with

source as (

    select * from {{ source('raw', 'ledger_orders') }}
    where posting is null and {{ is_accepted_order() }}

),

postings as (

    select * from {{ ref('base_ledger__postings') }}

),

-- Each item of an order as the file says last.
items as (

    select * from source
    where item_hash is not null
    qualify updated_at = max(updated_at) over (partition by file, order_id, ordered_at, item_hash)

),

added_up as (

    select
        file,
        max(line) as last_line,
        order_id,
        ordered_at,
        case when bool_and(status = 'cancelled') then 'cancelled' else 'completed' end as status,
        sum(case when status = 'cancelled' then 0 else revenue_minor end) as revenue_minor,
        sum(case when status = 'cancelled' then 0 else refunded_minor end) as refunded_minor,
        sum(case when status = 'cancelled' then null else cogs_minor end) as cogs_minor,
        currency,
        max(updated_at) as updated_at
    from items
    group by file, order_id, ordered_at, currency

),

whole_orders as (

    select
        file,
        line as last_line,
        order_id,
        ordered_at,
        status,
        revenue_minor,
        refunded_minor,
        cogs_minor,
        currency,
        updated_at
    from source
    where item_hash is null
    union all
    select * from added_up
    union all
    select
        last_file,
        last_line,
        order_id,
        ordered_at,
        status,
        revenue_minor,
        refunded_minor,
        null as cogs_minor,
        currency,
        updated_at
    from postings
    where status is not null

),

named_files as (

    select
        file,
        {{ natural_order('file') }} as landed_as
    from (select distinct file from whole_orders) as files

),

latest as (

    select
        whole_orders.order_id,
        whole_orders.ordered_at,
        whole_orders.status,
        whole_orders.revenue_minor,
        whole_orders.refunded_minor,
        whole_orders.cogs_minor,
        whole_orders.currency
    from whole_orders
    left join named_files on whole_orders.file = named_files.file
    where whole_orders.revenue_minor >= 0
    qualify
        row_number() over (
            partition by whole_orders.order_id
            order by
                whole_orders.updated_at desc nulls last,
                named_files.landed_as desc nulls last,
                whole_orders.file desc nulls last,
                whole_orders.last_line desc nulls last
        ) = 1

),

-- A row with negative revenue gives money back. The same one in a later file is the same one.
distinct_credit_notes as (

    select distinct
        order_id,
        ordered_at,
        updated_at,
        status,
        revenue_minor,
        currency
    from whole_orders
    where revenue_minor < 0

),

credit_notes as (

    select
        order_id,
        currency,
        sum(-revenue_minor) as credited_minor
    from distinct_credit_notes
    group by order_id, currency

),

orders as (

    select
        latest.order_id,
        latest.ordered_at,
        latest.status,
        cast(latest.revenue_minor as bigint) as revenue_minor,
        -- No more comes back than was paid.
        cast(least(
            latest.refunded_minor
            + coalesce(credit_notes.credited_minor, 0)
            + greatest(coalesce(postings.returned_minor, 0), 0),
            latest.revenue_minor
        ) as bigint) as refunded_minor,
        cast(latest.cogs_minor as bigint) as cogs_minor,
        latest.currency
    from latest
    left join credit_notes on latest.order_id = credit_notes.order_id and latest.currency = credit_notes.currency
    left join postings on latest.order_id = postings.order_id and latest.currency = postings.currency

)

select * from orders
