with

conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where ordered_on <= {{ to_date() }}

),

-- What makes a customer: no sign-up, but an order, even where a rate is missing for its money.
first_orders as (

    select
        person_id,
        min(ordered_on) as first_ordered_on
    from conversions
    -- The first order of a buyer of old is among the settled ones.
    where
        person_id is not null
        and {{ is_purchase() }}
        and person_id not in (select past_buyers.person_id from {{ ref('int_orders__past_buyers') }} as past_buyers)
    group by person_id

),

-- The first order of a person who is gone stays one.
settled_first_orders as (

    select conversions.ordered_on as first_ordered_on
    from conversions
    inner join {{ ref('int_orders__settled') }} as settled on conversions.order_id = settled.order_id
    where settled.segment = 'new' and {{ is_purchase('conversions') }}

),

new_customers as (

    select
        first_ordered_on as ordered_on,
        count(*) as new_customers
    from (
        select first_ordered_on from first_orders
        union all
        select first_ordered_on from settled_first_orders
    ) as all_first_orders
    group by first_ordered_on

),

daily as (

    select
        ordered_on,
        count(*) as orders,
        cast(sum(revenue_cents) as bigint) as revenue_cents,
        cast(sum(refund_cents) as bigint) as refund_cents,
        cast(sum(cogs_cents) as bigint) as cogs_cents,
        cast(coalesce(sum(case when is_cogs_assumed then cogs_cents end), 0) as bigint) as assumed_cogs_cents
    from conversions
    where is_priced and {{ in_window('ordered_on') }}
    group by ordered_on

),

orders_daily as (

    select
        daily.ordered_on as date,
        cast('{{ var("region") }}' as {{ text_type() }}) as region,
        daily.orders,
        {{ as_money('daily.revenue_cents') }} as revenue,
        {{ as_money('daily.refund_cents') }} as refunds,
        {{ as_money('daily.revenue_cents - daily.refund_cents') }} as net_revenue,
        {{ as_money('daily.cogs_cents') }} as cogs,
        {{ as_money('daily.revenue_cents - daily.refund_cents - daily.cogs_cents') }} as margin,
        coalesce(new_customers.new_customers, 0) as new_customers,
        {{ as_money('daily.assumed_cogs_cents') }} as assumed_cogs
    from daily
    left join new_customers on daily.ordered_on = new_customers.ordered_on

)

select * from orders_daily
