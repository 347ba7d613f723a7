with

conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where is_priced and {{ in_window('ordered_on') }}

),

new_customers as (

    select
        ordered_on,
        count(*) as new_customers
    from {{ ref('int_orders__segments') }}
    where is_first_order
    group by ordered_on

),

daily as (

    select
        ordered_on,
        count(*) as orders,
        cast(sum(revenue_cents) as bigint) as revenue_cents,
        cast(sum(refund_cents) as bigint) as refund_cents,
        cast(sum(cogs_cents) as bigint) as cogs_cents
    from conversions
    group by ordered_on

),

orders_daily as (

    select
        daily.ordered_on as date,
        cast('{{ var("region") }}' as varchar) as region,
        daily.orders,
        {{ as_money('daily.revenue_cents') }} as revenue,
        {{ as_money('daily.refund_cents') }} as refunds,
        {{ as_money('daily.revenue_cents - daily.refund_cents') }} as net_revenue,
        {{ as_money('daily.cogs_cents') }} as cogs,
        {{ as_money('daily.revenue_cents - daily.refund_cents - daily.cogs_cents') }} as margin,
        coalesce(new_customers.new_customers, 0) as new_customers
    from daily
    left join new_customers on daily.ordered_on = new_customers.ordered_on

)

select * from orders_daily
