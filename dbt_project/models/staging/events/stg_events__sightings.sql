with

source as (

    select * from {{ source('raw', 'events') }}

),

sightings as (

    select
        message_id,
        message_order,
        occurred_at,
        anonymous_id,
        user_id
    from source
    where
        anonymous_id is not null
        and user_id is not null

)

select * from sightings
