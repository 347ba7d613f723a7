with

source as (

    select * from {{ source('ops', 'device_owners') }}

),

device_owners as (

    select
        anonymous_id,
        user_id
    from source

)

select * from device_owners
