with

order_events as (

    select * from {{ ref('stg_events__order_events') }}

),

ledger as (

    select * from {{ ref('stg_ledger__orders') }}

),

device_users as (

    select * from {{ ref('int_identity__device_users') }}

),

-- Orders that may belong to a day of the window: the ledger or an event puts them there.
candidates as (

    select order_id
    from ledger
    where ordered_at >= {{ window_start() }} and ordered_at < {{ window_end() }}
    union
    select order_id
    from order_events
    where
        event = 'Order Completed'
        and occurred_at >= {{ window_start() }} and occurred_at < {{ window_end() }}

),

completions as (

    select order_events.*
    from order_events
    inner join candidates on order_events.order_id = candidates.order_id
    where order_events.event = 'Order Completed'
    qualify
        row_number() over (
            partition by order_events.order_id
            order by
                order_events.occurred_at asc nulls last,
                order_events.message_order asc nulls last,
                order_events.message_id asc nulls last
        ) = 1

),

cancellations as (

    select distinct order_id
    from order_events
    where event = 'Order Cancelled'

),

accounted as (

    select
        candidates.order_id,
        {{ local_date('coalesce(ledger.ordered_at, completions.occurred_at)') }} as ordered_on,
        coalesce(completions.occurred_at, ledger.ordered_at) as converted_at,
        {{ person_of('completions') }} as person_id,
        coalesce(completions.conversion_type, 'Order Completed') as conversion_type,
        ledger.order_id is not null as is_in_ledger,
        completions.order_id is not null as is_in_events,
        case when ledger.order_id is null then completions.currency else ledger.currency end as currency,
        case when ledger.order_id is null then completions.revenue_minor else ledger.revenue_minor end as revenue_minor,
        ledger.refunded_minor,
        ledger.cogs_minor,
        completions.revenue_minor + completions.tax_minor + completions.shipping_minor as total_minor
    from candidates
    left join ledger on candidates.order_id = ledger.order_id
    left join completions on candidates.order_id = completions.order_id
    left join cancellations on candidates.order_id = cancellations.order_id
    {{ left_join_device_users('completions') }}
    where
        coalesce(ledger.status, '') != 'cancelled'
        and (ledger.order_id is not null or cancellations.order_id is null)

)

select * from accounted
where {{ in_window('ordered_on') }}
