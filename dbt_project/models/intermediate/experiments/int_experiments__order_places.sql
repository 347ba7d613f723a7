with

conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where {{ has_experiments(['geography']) }}

),

places as (

    select * from {{ ref('stg_events__places') }}
    where {{ has_experiments(['geography']) }}

),

device_users as (

    select * from {{ ref('int_identity__device_users') }}

),

own_places as (

    select
        order_id,
        geography
    from places
    where event = 'Order Completed'
    qualify
        row_number() over (
            partition by order_id
            order by occurred_at asc nulls last, message_order asc nulls last, message_id asc nulls last
        ) = 1

),

person_places as (

    select
        places.*,
        {{ person_of('places') }} as person_id
    from places
    {{ left_join_device_users('places') }}

),

-- An order that does not say where: the place its person was last seen in.
last_places as (

    select
        conversions.order_id,
        person_places.geography
    from conversions
    inner join person_places
        on
            conversions.person_id = person_places.person_id
            and conversions.converted_at >= person_places.occurred_at
    where conversions.order_id not in (select own_places.order_id from own_places)
    qualify
        row_number() over (
            partition by conversions.order_id
            order by
                person_places.occurred_at desc nulls last,
                person_places.message_order desc nulls last,
                person_places.message_id desc nulls last
        ) = 1

),

order_places as (

    select * from own_places
    union all
    select * from last_places

)

select * from order_places
