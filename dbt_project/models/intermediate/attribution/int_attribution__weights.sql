with

paths as (

    select * from {{ ref('int_attribution__paths') }}

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

-- What has no choice of touches needs no weighing: most orders.
alone as (

    select
        paths.order_number,
        {{ touch_columns('paths') | indent(8) }},
        {{ equal_weights() | indent(8) }} as weights
    from paths
    where paths.touch_count = 1

),

learned as (

    select
        paths.*,
        {{ decay(epoch_us('paths.last_touched_at') ~ ' - ' ~ epoch_us('paths.touched_at')) }} as decay,
        coalesce(channel_weights.markov_e12, 0) as markov_e12,
        coalesce(channel_weights.shapley_e12, 0) as shapley_e12,
        coalesce(counterfactuals.weight, 0) as counterfactual_e12
    from paths
    left join channel_weights
        on {{ month_of('paths.ordered_on') }} = channel_weights.month and paths.channel = channel_weights.channel
    left join {{ ref('int_attribution__counterfactuals') }} as counterfactuals
        on paths.order_number = counterfactuals.order_number and paths.touch_number = counterfactuals.touch_number
    where paths.touch_count > 1

),

-- Grouped and joined: a window over orders costs several times as much.
orders as (

    select
        order_number,
        max(case when channel != 'Direct' then touch_number end) as last_non_direct_number,
        sum(decay) as total_decay,
        max(markov_e12) as markov_e12,
        max(shapley_e12) as shapley_e12,
        max(counterfactual_e12) as counterfactual_e12
    from learned
    group by order_number

),

touches as (

    select
        learned.order_number,
        {{ touch_columns('learned') | indent(8) }},
        learned.decay * 1000000000000 as decay,
        orders.total_decay,
        orders.last_non_direct_number,
        {{ or_linear('markov_e12') }} as markov_weight,
        {{ or_linear('shapley_e12') }} as shapley_weight,
        {{ or_linear('counterfactual_e12') }} as counterfactual_weight
    from learned
    inner join orders on learned.order_number = orders.order_number

),

weighed as (

    select
        touches.order_number,
        {{ touch_columns('touches') | indent(8) }},
        {{ by_model({
            'first_touch': 'cast(touch_number = 1 as bigint)',
            'last_touch': 'cast(touch_number = touch_count as bigint)',
            'last_non_direct': 'cast(touch_number = coalesce(last_non_direct_number, touch_count) as bigint)',
            'linear': 'cast(1 as bigint)',
            'position_based': 'cast(' ~ position_weight() ~ ' as bigint)',
            'time_decay': 'cast(' ~ half_even('decay', 'total_decay') ~ ' as bigint)',
            'markov': 'cast(markov_weight as bigint)',
            'shapley': 'cast(shapley_weight as bigint)',
            'counterfactual': 'cast(counterfactual_weight as bigint)',
        }) | indent(8) }} as weights
    from touches

),

weights as (

    select * from alone
    union all
    select * from weighed

)

select * from weights
