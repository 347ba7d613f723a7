with

source as (

    select * from {{ source('ops', 'days') }}

),

final_days as (

    select day
    from source
    where is_final

)

select * from final_days
