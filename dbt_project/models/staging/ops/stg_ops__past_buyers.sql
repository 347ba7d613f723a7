with

source as (

    select * from {{ source('ops', 'past_buyers') }}

),

past_buyers as (

    select
        person_id,
        last_ordered_on
    from source

)

select * from past_buyers
