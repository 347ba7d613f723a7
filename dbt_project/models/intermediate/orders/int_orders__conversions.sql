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

in_cents as (

    select
        orders.*,
        {{ to_cents('orders.revenue_minor', 'rates') }} as revenue_cents,
        case
            when orders.is_in_ledger then {{ to_cents('orders.refunded_minor', 'rates') }}
            when refunds.order_id is null then 0
            -- Not least() alone, which would pass over a refund that has no rate.
            when refunds.refund_cents is not null
                then least(refunds.refund_cents, {{ to_cents('orders.revenue_minor', 'rates') }})
        end as refund_cents,
        {{ to_cents('orders.cogs_minor', 'rates') }} as ledger_cogs_cents
    from orders
    left join rates on orders.ordered_on = rates.priced_on and orders.currency = rates.currency
    left join refunds on orders.order_id = refunds.order_id

),

conversions as (

    select
        order_id,
        ordered_on,
        converted_at,
        person_id,
        -- An order without a person counts as a buyer of its own.
        coalesce(person_id, {{ uuid_of('order_id') }}) as buyer_id,
        is_in_ledger,
        is_in_events,
        currency,
        revenue_cents is not null and refund_cents is not null as is_priced,
        revenue_cents,
        refund_cents,
        coalesce(
            ledger_cogs_cents,
            revenue_cents - refund_cents
            - {{ half_even(
                '(revenue_cents - refund_cents) * ' ~ billionths(var('margin_rate')), '1000000000'
            ) | indent(12) }}
        ) as cogs_cents
    from in_cents

)

select * from conversions
