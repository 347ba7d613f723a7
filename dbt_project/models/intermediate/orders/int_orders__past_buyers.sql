with

past_buyers as (

    select
        person_id,
        last_ordered_on
    from {{ ref('stg_ops__past_buyers') }}

)

select * from past_buyers
