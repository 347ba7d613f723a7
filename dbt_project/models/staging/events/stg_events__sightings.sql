with

source as (

    select * from {{ source('raw', 'events') }}
    where {{ is_accepted_event() }}

),

-- The evidence outlives the events, as long as touches are kept.
past_sightings as (

    select * from {{ source('ops', 'past_sightings') }}

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
    union all
    select
        message_id,
        message_order,
        occurred_at,
        anonymous_id,
        user_id
    from past_sightings

)

select * from sightings
