with

standing as (

    select * from {{ ref('int_privacy__published_currencies') }}
    where level > 0 and {{ in_window_months('month') }}

),

orders as (

    select * from {{ ref('int_orders__conversions') }}
    where is_priced and {{ in_window_months('ordered_on') }}

),

currencies as (

    select * from {{ ref('currencies') }}

),

named as (

    select
        month,
        currency,
        count(*) as orders,
        sum(revenue_cents) as revenue_cents,
        sum(refund_cents) as refund_cents,
        -- Of orders that were final before amounts were kept in their own currency, they may be unknown.
        case when count(*) = count(revenue_minor) then {{ sum_of_minor('revenue_minor') }} end as revenue_minor,
        case when count(*) = count(refund_minor) then {{ sum_of_minor('refund_minor') }} end as refund_minor
    from standing
    group by month, currency

),

wholes as (

    select
        {{ month_of('ordered_on') }} as month,
        count(*) as orders,
        sum(revenue_cents) as revenue_cents,
        sum(refund_cents) as refund_cents
    from orders
    group by all

),

parts as (

    select
        month,
        sum(orders) as orders,
        sum(revenue_cents) as revenue_cents,
        sum(refund_cents) as refund_cents
    from named
    group by month

),

-- What is not named: the month's total less what is.
rest as (

    select
        coalesce(wholes.month, parts.month) as month,
        '(other)' as currency,
        coalesce(wholes.orders, 0) - coalesce(parts.orders, 0) as orders,
        coalesce(wholes.revenue_cents, 0) - coalesce(parts.revenue_cents, 0) as revenue_cents,
        coalesce(wholes.refund_cents, 0) - coalesce(parts.refund_cents, 0) as refund_cents,
        cast(null as bigint) as revenue_minor,
        cast(null as bigint) as refund_minor
    from wholes
    full outer join parts on wholes.month = parts.month

),

by_currency as (

    select * from named
    union all
    select * from rest
    where orders != 0 or revenue_cents != 0 or refund_cents != 0

),

orders_by_currency as (

    select
        by_currency.month,
        cast('{{ var("region") }}' as {{ text_type() }}) as region,
        by_currency.currency,
        cast(by_currency.orders as bigint) as orders,
        {{ as_units('by_currency.revenue_minor', 'currencies.minor_unit') }} as original_revenue,
        {{ as_units('by_currency.refund_minor', 'currencies.minor_unit') }} as original_refunds,
        {{ as_money('cast(by_currency.revenue_cents as bigint)') }} as revenue,
        {{ as_money('cast(by_currency.refund_cents as bigint)') }} as refunds,
        cast(by_currency.revenue_cents as double) * pow(10, currencies.minor_unit - 2)
        / nullif(cast(by_currency.revenue_minor as double), 0) as average_rate
    from by_currency
    left join currencies on by_currency.currency = currencies.currency

)

select * from orders_by_currency
