with

-- Days are rebuilt in ascending order, so whatever is earlier is right.
conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where ordered_on <= {{ last_day_of_months() }}

),

settled as (

    select
        order_id,
        segment
    from {{ ref('int_orders__settled') }}

),

past_buyers as (

    select * from {{ ref('int_orders__past_buyers') }}

),

-- Purchases alone are a history: a sign-up that counts as a conversion has a segment by the orders before it.
orders_in_turn as (

    select
        order_id,
        ordered_on,
        person_id,
        max(case when {{ is_purchase() }} then ordered_on end) over (
            partition by person_id
            order by ordered_on asc nulls last, converted_at asc nulls last, order_id asc nulls last
            rows between unbounded preceding and 1 preceding
        ) as previous_ordered_on
    from conversions

),

-- What came before a buyer's first order here may have lost its person.
sequence as (

    select
        orders_in_turn.order_id,
        orders_in_turn.ordered_on,
        orders_in_turn.person_id,
        coalesce(orders_in_turn.previous_ordered_on, past_buyers.last_ordered_on) as previous_ordered_on
    from orders_in_turn
    left join past_buyers on orders_in_turn.person_id = past_buyers.person_id

),

segments as (

    select
        sequence.order_id,
        sequence.ordered_on,
        case
            when settled.order_id is not null then settled.segment
            when sequence.person_id is null then 'unknown'
            when sequence.previous_ordered_on is null then 'new'
            when
                {{ days_between('sequence.previous_ordered_on', 'sequence.ordered_on') }}
                > {{ var('lapsed_after_days') }}
                then 'lapsed'
            else 'repeat'
        end as segment
    from sequence
    left join settled on sequence.order_id = settled.order_id
    where {{ in_window_months('sequence.ordered_on') }}

)

select * from segments
