with

source as (

    select * from {{ source('raw', 'fx_rates') }}

),

rates as (

    select
        rate_on,
        currency,
        rate_e8
    from source
    union all
    -- The table counts units per euro, so the euro itself is always 1.
    select
        date '0001-01-01' as rate_on,
        'EUR' as currency,
        100000000 as rate_e8

)

select * from rates
