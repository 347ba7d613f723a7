with

conversions as (

    select
        *,
        {{ row_identity('order_id') }} as order_number
    from {{ ref('int_orders__conversions') }}
    where ordered_on > {{ last_day_of(from_date()) }} - 90 and ordered_on <= {{ last_day_of(to_date()) }}

),

touchpoints as (

    select * from {{ ref('int_sessions__touchpoints') }}

),

-- Priced or not: what one learns from is that somebody bought.
touches as (

    select
        conversions.order_number,
        conversions.ordered_on,
        conversions.buyer_id,
        touchpoints.channel,
        {{ moment('touchpoints.touched_at') }} as moment,
        touchpoints.tie_number
    from conversions
    inner join touchpoints on {{ in_lookback('conversions', 'touchpoints') | indent(8) }}
    where conversions.person_id is not null

),

-- Those of persons who are gone, as they were.
settled as (

    select
        conversions.order_number,
        conversions.ordered_on,
        conversions.buyer_id,
        {{ unnested_with_positions('settled.path', 'channel', 'moment') | indent(8) }},
        0 as tie_number
    from conversions
    inner join {{ ref('int_orders__settled') }} as settled on conversions.order_id = settled.order_id

),

converting_touches as (

    select * from touches
    union all
    select * from settled

)

select * from converting_touches
