with

past_buyers as (

    select * from {{ ref('stg_ops__past_buyers') }}

)

select * from past_buyers
