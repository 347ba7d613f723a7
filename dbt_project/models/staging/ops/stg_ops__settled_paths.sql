with

source as (

    select * from {{ source('ops', 'settled_paths') }}

),

settled_paths as (

    select
        month,
        path,
        non_conversions
    from source

)

select * from settled_paths
