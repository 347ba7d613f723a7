with

-- Days are rebuilt in ascending order, so whatever is earlier is right.
conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where is_priced and ordered_on <= {{ last_day_of_months() }}

),

past_buyers as (

    select * from {{ ref('stg_ops__past_buyers') }}

),

order_facts as (

    select * from {{ ref('stg_ops__order_facts') }}

),

sequence as (

    select
        order_id,
        ordered_on,
        person_id,
        lag(ordered_on) over (
            partition by person_id
            order by ordered_on asc nulls last, converted_at asc nulls last, order_id asc nulls last
        ) as previous_ordered_on
    from conversions

),

with_past as (

    select
        sequence.order_id,
        sequence.ordered_on,
        sequence.person_id,
        order_facts.segment as known_segment,
        order_facts.is_first_order,
        coalesce(sequence.previous_ordered_on, past_buyers.last_ordered_on) as previous_ordered_on
    from sequence
    left join past_buyers on sequence.person_id = past_buyers.person_id
    left join order_facts on sequence.order_id = order_facts.order_id

),

segments as (

    select
        order_id,
        ordered_on,
        case
            when known_segment is not null then known_segment
            when person_id is null then 'unknown'
            when previous_ordered_on is null then 'new'
            when {{ days_between('previous_ordered_on', 'ordered_on') }} > {{ var('lapsed_after_days') }} then 'lapsed'
            else 'repeat'
        end as segment,
        coalesce(is_first_order, person_id is not null and previous_ordered_on is null) as is_first_order
    from with_past
    where {{ in_window_months('ordered_on') }}

)

select * from segments
