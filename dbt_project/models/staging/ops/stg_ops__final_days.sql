with

source as (

    select * from {{ source('ops', 'days') }}

),

final_days as (

    select day
    from source
    where
        is_final
        -- Nothing but the ledger can still change a day whose records are gone.
        or {{ is_disposed('day', 'kept_through') }}

)

select * from final_days
