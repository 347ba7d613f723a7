with

source as (

    select * from {{ source('raw', 'events') }}
    where {{ is_accepted_event() }}

),

users as (

    select
        user_id,
        min(occurred_at) as first_seen_at
    from source
    where user_id is not null
    group by user_id

)

select * from users
