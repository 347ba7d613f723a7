with

source as (

    select * from {{ source('raw', 'events') }}
    where {{ is_accepted_event() }}

),

places as (

    select
        message_id,
        message_order,
        event,
        occurred_at,
        anonymous_id,
        user_id,
        order_id,
        {{ lower_case('geography') }} as geography
    from source
    where geography is not null

)

select * from places
