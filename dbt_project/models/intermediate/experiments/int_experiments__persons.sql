with

experiments as (

    {{ experiments() }}

),

arms as (

    {{ experiment_arms() }}

),

exposures as (

    select * from {{ ref('stg_events__exposures') }}
    where {{ has_experiments(['events']) }}

),

users as (

    select * from {{ ref('stg_events__users') }}
    where {{ has_experiments(['pseudonym']) }}

),

device_users as (

    select * from {{ ref('int_identity__device_users') }}

),

shown as (

    select
        experiments.experiment,
        {{ person_of('exposures') }} as person_id,
        exposures.occurred_at as assigned_at,
        exposures.message_order,
        exposures.message_id,
        coalesce(arms.arm, case when experiments.is_rest_treated then 'treated' end) as arm
    from exposures
    inner join experiments
        on
            exposures.experiment = experiments.event_name
            and experiments.assignment = 'events'
            and exposures.occurred_at >= {{ utc_midnight('experiments.from_date') }}
            and exposures.occurred_at < {{ utc_midnight('experiments.to_date + 1') }}
    left join arms on experiments.experiment = arms.experiment and exposures.variation = arms.member
    {{ left_join_device_users('exposures') }}

),

-- Who saw both arms counts where it was first: moving it, or leaving it out, would undo the draw.
first_shown as (

    select
        experiment,
        person_id,
        arm,
        assigned_at,
        min(arm) over (partition by experiment, person_id)
        != max(arm) over (partition by experiment, person_id) as is_contaminated
    from shown
    where arm is not null
    qualify
        row_number() over (
            partition by experiment, person_id
            order by assigned_at asc nulls last, message_order asc nulls last, message_id asc nulls last
        ) = 1

),

-- Only users known before: who comes later, may come because of the advertising.
drawn as (

    select
        experiments.experiment,
        users.user_id as person_id,
        case
            when {{ drawn_millionth('experiments.experiment', 'users.user_id') }} < experiments.control_millionths
                then 'control'
            else 'treated'
        end as arm,
        {{ utc_midnight('experiments.from_date') }} as assigned_at,
        false as is_contaminated
    from users
    inner join experiments
        on
            experiments.assignment = 'pseudonym'
            and users.first_seen_at < {{ utc_midnight('experiments.from_date') }}

),

persons as (

    select * from first_shown
    union all
    select * from drawn

)

select * from persons
