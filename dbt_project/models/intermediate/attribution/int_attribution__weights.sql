with

paths as (

    select
        *,
        {{ decay('us_before_last_touch') }} as decay
    from {{ ref('int_attribution__paths') }}

),

channel_weights as (

    select
        month,
        channel,
        sum(case when attribution_model = 'markov' then weight_e12 end) as markov_e12,
        sum(case when attribution_model = 'shapley' then weight_e12 end) as shapley_e12
    from {{ ref('int_attribution__channel_weights') }}
    where {{ in_window_months('month') }}
    group by month, channel

),

learned as (

    select
        paths.*,
        coalesce(channel_weights.markov_e12, 0) as markov_e12,
        coalesce(channel_weights.shapley_e12, 0) as shapley_e12,
        coalesce(counterfactuals.weight, 0) as counterfactual_e12
    from paths
    left join channel_weights
        on {{ month_of('paths.ordered_on') }} = channel_weights.month and paths.channel = channel_weights.channel
    left join {{ ref('int_attribution__counterfactuals') }} as counterfactuals
        on paths.order_number = counterfactuals.order_number and paths.touch_number = counterfactuals.touch_number

),

touches as (

    select
        *,
        case
            when touch_count = 1 then 1
            else {{ half_even('decay * 1000000000000', 'sum(decay) over path') | indent(12) }}
        end as decay_weight,
        {{ or_linear('markov_e12', 'path') }} as markov_weight,
        {{ or_linear('shapley_e12', 'path') }} as shapley_weight,
        {{ or_linear('counterfactual_e12', 'path') }} as counterfactual_weight
    from learned
    window path as (partition by order_number)

),

models as (

    {{ attribution_models() }}

),

weighted as (

    select
        touches.order_id,
        touches.ordered_on,
        touches.touch_id,
        touches.touched_on,
        touches.touch_number,
        touches.channel,
        touches.campaign,
        models.attribution_model,
        cast(
            case models.attribution_model
                when 'first_touch' then cast(touches.touch_number = 1 as integer)
                when 'last_touch' then cast(touches.touch_number = touches.touch_count as integer)
                when 'last_non_direct'
                    then cast(
                        touches.touch_number = coalesce(touches.last_non_direct_number, touches.touch_count) as integer
                    )
                when 'linear' then 1
                when 'position_based' then {{ position_weight() | indent(16) }}
                when 'time_decay' then touches.decay_weight
                when 'markov' then touches.markov_weight
                when 'shapley' then touches.shapley_weight
                when 'counterfactual' then touches.counterfactual_weight
            end as bigint
        ) as weight
    from touches
    cross join models

)

select * from weighted
where weight > 0
