with

device_owners as (

    select * from {{ ref('stg_ops__device_owners') }}

),

sightings as (

    select * from {{ ref('stg_events__sightings') }}
    where anonymous_id not in (select device_owners.anonymous_id from device_owners)

),

devices as (

    select
        anonymous_id,
        min(user_id) as user_id,
        max(user_id) as other_user_id
    from sightings
    group by anonymous_id

),

-- Only devices that changed hands need their sightings in order, and they are few.
handovers as (

    select
        sightings.anonymous_id,
        sightings.user_id,
        sightings.occurred_at,
        sightings.message_order,
        sightings.message_id
    from sightings
    inner join devices
        on
            sightings.anonymous_id = devices.anonymous_id
            and devices.user_id != devices.other_user_id
    qualify
        sightings.user_id is distinct from lag(sightings.user_id) over (
            partition by sightings.anonymous_id
            order by
                sightings.occurred_at asc nulls last,
                sightings.message_order asc nulls last,
                sightings.message_id asc nulls last
        )

),

shared as (

    -- The first user also takes what the device did before anyone was seen on it.
    select
        anonymous_id,
        user_id,
        case when row_number() over device = 1 then timestamp '0001-01-01' else occurred_at end as valid_from,
        coalesce(lead(occurred_at) over device, timestamp '9999-12-31') as valid_to
    from handovers
    window device as (
        partition by anonymous_id
        order by occurred_at asc nulls last, message_order asc nulls last, message_id asc nulls last
    )

),

device_users as (

    select
        anonymous_id,
        user_id,
        timestamp '0001-01-01' as valid_from,
        timestamp '9999-12-31' as valid_to
    from devices
    where user_id = other_user_id
    union all
    select * from shared
    union all
    select
        anonymous_id,
        user_id,
        timestamp '0001-01-01' as valid_from,
        timestamp '9999-12-31' as valid_to
    from device_owners

)

select * from device_users
