with

source as (

    select * from {{ source('raw', 'events') }}
    where {{ is_accepted_event() }}

),

exposures as (

    select
        message_id,
        message_order,
        occurred_at,
        anonymous_id,
        user_id,
        {{ lower_case('experiment') }} as experiment,
        {{ lower_case('variation') }} as variation
    from source
    where
        event = 'Experiment Viewed'
        and experiment is not null
        and variation is not null
        and coalesce(user_id, anonymous_id) is not null

)

select * from exposures
