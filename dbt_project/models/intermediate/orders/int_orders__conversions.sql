with

orders as (

    select * from {{ ref('int_orders__accounted') }}

),

refunds as (

    select * from {{ ref('int_orders__refunds') }}

),

rates as (

    select * from {{ ref('int_fx__daily_rates') }}

),

final_days as ( -- noqa: ST03

    select day from {{ ref('stg_ops__final_days') }}

),

ledger as ( -- noqa: ST03

    select order_id from {{ ref('stg_ledger__orders') }}

),

quarantined as ( -- noqa: ST03

    select
        order_id,
        is_set_aside
    from {{ ref('stg_ops__quarantined_orders') }}

),

released as ( -- noqa: ST03

    select order_id from quarantined
    where not is_set_aside

),

settled as (

    select
        order_id,
        buyer_id
    from {{ ref('int_orders__settled') }}

),

in_cents as (

    select
        orders.*,
        {{ to_cents('orders.revenue_minor', 'rates') }} as revenue_cents,
        case
            when orders.is_in_ledger then {{ to_cents('orders.refunded_minor', 'rates') }}
            when refunds.order_id is null then 0
            when refunds.is_rest then {{ to_cents('orders.revenue_minor', 'rates') }}
            -- Not least() alone, which would pass over a refund that has no rate.
            when refunds.refund_cents is not null
                then least(refunds.refund_cents, {{ to_cents('orders.revenue_minor', 'rates') }})
        end as refund_cents,
        case
            when orders.is_in_ledger then orders.refunded_minor
            when refunds.order_id is null then 0
            when refunds.is_rest then orders.revenue_minor
            when refunds.refund_minor is not null then least(refunds.refund_minor, orders.revenue_minor)
        end as refund_minor,
        {{ to_cents('orders.cogs_minor', 'rates') }} as ledger_cogs_cents
    from orders
    left join rates on orders.ordered_on = rates.priced_on and orders.currency = rates.currency
    left join refunds on orders.order_id = refunds.order_id

),

computed as (

    select
        order_id,
        ordered_on,
        converted_at,
        person_id,
        conversion_type,
        is_in_ledger,
        is_in_events,
        currency,
        revenue_cents is not null
        and refund_cents is not null
        and (ledger_cogs_cents is not null or cogs_minor is null) as is_priced,
        revenue_cents,
        refund_cents,
        -- Wide integers are slow to store and to read.
        cast(coalesce(
            ledger_cogs_cents,
            revenue_cents - refund_cents
            - {{ half_even(
                '(revenue_cents - refund_cents) * ' ~ billionths(var('margin_rate')), '1000000000'
            ) | indent(12) }}
        ) as bigint) as cogs_cents,
        cogs_minor is null as is_cogs_assumed,
        revenue_minor,
        refund_minor
    from in_cents
    -- Anyone can send an event: one in a currency that cannot be priced holds back itself, and not its day.
    where is_in_ledger or (revenue_cents is not null and refund_cents is not null)

),

{% if is_incremental() -%}
-- Orders of the window's final days, as they were stored: only the ledger still changes them.
stored as (

    select * from {{ this }}
    where {{ in_window('ordered_on') }}

),

current_orders as (

    select
        computed.order_id,
        computed.ordered_on,
        coalesce(stored.converted_at, computed.converted_at) as converted_at,
        case when stored.order_id is null then computed.person_id else stored.person_id end as person_id,
        computed.conversion_type,
        computed.is_in_ledger,
        coalesce(stored.is_in_events, computed.is_in_events) as is_in_events,
        computed.currency,
        computed.is_priced,
        computed.revenue_cents,
        computed.refund_cents,
        computed.cogs_cents,
        computed.is_cogs_assumed,
        computed.revenue_minor,
        computed.refund_minor
    from computed
    left join stored on computed.order_id = stored.order_id
    where
        computed.is_in_ledger
        or computed.ordered_on not in (select final_days.day from final_days)
        or computed.order_id in (select released.order_id from released)

),

kept_orders as (

    select
        stored.order_id,
        -- What the ledger has cancelled or moved elsewhere leaves its day, and so does what is set aside.
        case when ledger.order_id is null and quarantined.order_id is null then stored.ordered_on end as ordered_on,
        stored.converted_at,
        stored.person_id,
        stored.conversion_type,
        stored.is_in_ledger,
        stored.is_in_events,
        stored.currency,
        stored.is_priced,
        stored.revenue_cents,
        stored.refund_cents,
        stored.cogs_cents,
        -- Events give no cost of goods. What was stored before these columns were is as it would be today, or unknown.
        coalesce(stored.is_cogs_assumed, not stored.is_in_ledger) as is_cogs_assumed,
        coalesce(
            stored.revenue_minor,
            case when stored.revenue_cents = computed.revenue_cents then computed.revenue_minor end
        ) as revenue_minor,
        coalesce(
            stored.refund_minor, case when stored.refund_cents = computed.refund_cents then computed.refund_minor end
        ) as refund_minor
    from stored
    left join computed on stored.order_id = computed.order_id
    left join ledger on stored.order_id = ledger.order_id
    left join quarantined on stored.order_id = quarantined.order_id and quarantined.is_set_aside
    where stored.order_id not in (select current_orders.order_id from current_orders)

),

orders_of_the_window as (

    select * from current_orders
    union all
    select * from kept_orders

),

{% else -%}
orders_of_the_window as (

    select * from computed

),

{% endif -%}
conversions as (

    select
        orders_of_the_window.order_id,
        orders_of_the_window.ordered_on,
        orders_of_the_window.converted_at,
        case when settled.order_id is null then orders_of_the_window.person_id end as person_id,
        -- An order without a person counts as a buyer of its own.
        coalesce(
            settled.buyer_id, orders_of_the_window.person_id, {{ uuid_of('orders_of_the_window.order_id') }}
        ) as buyer_id,
        orders_of_the_window.conversion_type,
        orders_of_the_window.is_in_ledger,
        orders_of_the_window.is_in_events,
        orders_of_the_window.currency,
        orders_of_the_window.is_priced,
        orders_of_the_window.revenue_cents,
        orders_of_the_window.refund_cents,
        orders_of_the_window.cogs_cents,
        orders_of_the_window.is_cogs_assumed,
        orders_of_the_window.revenue_minor,
        orders_of_the_window.refund_minor
    from orders_of_the_window
    left join settled on orders_of_the_window.order_id = settled.order_id

)

select * from conversions
