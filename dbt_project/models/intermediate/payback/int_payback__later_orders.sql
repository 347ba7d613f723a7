with

conversions as (

    select
        *,
        {{ row_identity('order_id') }} as order_number
    from {{ ref('int_orders__conversions') }}

),

past_buyers as (

    select * from {{ ref('int_orders__past_buyers') }}

),

settled as (

    select * from {{ ref('int_orders__settled') }}

),

first_orders as (

    select
        person_id,
        order_id,
        ordered_on,
        converted_at
    from conversions
    -- The first order of a buyer of old is not known any more.
    where
        person_id is not null
        and {{ is_purchase() }}
        and person_id not in (select past_buyers.person_id from past_buyers)
    qualify
        row_number() over (
            partition by person_id
            order by ordered_on asc nulls last, converted_at asc nulls last, order_id asc nulls last
        ) = 1

),

-- From the window's first month on: what changes of a first order changes where its buyer's later ones stand.
later_orders as (

    select
        conversions.order_number,
        conversions.order_id,
        conversions.ordered_on,
        conversions.buyer_id,
        conversions.revenue_cents,
        conversions.refund_cents,
        conversions.cogs_cents,
        cast(1000000 as bigint) as conversion_millionths,
        -- A buyer is followed for as long as the person is known.
        case
            when {{ months_between('first_orders.ordered_on', 'conversions.ordered_on') }} <= {{ followed_months() }}
                then first_orders.order_id
        end as first_order_id,
        {{ month_of('first_orders.ordered_on') }} as cohort
    from conversions
    left join first_orders on conversions.person_id = first_orders.person_id
    left join settled on conversions.order_id = settled.order_id
    where
        conversions.is_priced
        and {{ month_of('conversions.ordered_on') }} >= {{ month_of(from_date()) }}
        and coalesce(settled.segment, '') != 'new'
        and (
            first_orders.person_id is null
            or (conversions.ordered_on, conversions.converted_at, conversions.order_id)
            > (first_orders.ordered_on, first_orders.converted_at, first_orders.order_id)
        )

)

select * from later_orders
