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

orders as (

    select
        order_number,
        count(*) as touch_count,
        max(case when channel != 'Direct' then touch_number end) as last_non_direct_number,
        max(touched_at) as last_touched_at
    from paths
    group by order_number

),

learned as (

    select
        paths.*,
        orders.touch_count,
        orders.last_non_direct_number,
        {{ decay(epoch_us('orders.last_touched_at') ~ ' - ' ~ epoch_us('paths.touched_at')) }} as decay,
        coalesce(channel_weights.markov_e12, 0) as markov_e12,
        coalesce(channel_weights.shapley_e12, 0) as shapley_e12,
        coalesce(counterfactuals.weight, 0) as counterfactual_e12
    from paths
    inner join orders on paths.order_number = orders.order_number
    left join channel_weights
        on {{ month_of('paths.ordered_on') }} = channel_weights.month and paths.channel = channel_weights.channel
    left join {{ ref('int_attribution__counterfactuals') }} as counterfactuals
        on paths.order_number = counterfactuals.order_number and paths.touch_number = counterfactuals.touch_number

),

-- Grouped and joined: a window over orders costs several times as much.
sums as (

    select
        order_number,
        sum(decay) as decay,
        max(markov_e12) as markov_e12,
        max(shapley_e12) as shapley_e12,
        max(counterfactual_e12) as counterfactual_e12
    from learned
    group by order_number

),

touches as (

    select
        learned.*,
        case
            when learned.touch_count = 1 then 1
            else {{ half_even('learned.decay * 1000000000000', 'sums.decay') | indent(12) }}
        end as decay_weight,
        {{ or_linear('markov_e12') }} as markov_weight,
        {{ or_linear('shapley_e12') }} as shapley_weight,
        {{ or_linear('counterfactual_e12') }} as counterfactual_weight
    from learned
    inner join sums on learned.order_number = sums.order_number

),

weights as (

    select
        order_id,
        ordered_on,
        touch_id,
        touched_on,
        touch_number,
        channel,
        campaign,
        {{ by_model({
            'first_touch': 'cast(touch_number = 1 as bigint)',
            'last_touch': 'cast(touch_number = touch_count as bigint)',
            'last_non_direct': 'cast(touch_number = coalesce(last_non_direct_number, touch_count) as bigint)',
            'linear': 'cast(1 as bigint)',
            'position_based': 'cast(' ~ position_weight() ~ ' as bigint)',
            'time_decay': 'cast(decay_weight as bigint)',
            'markov': 'cast(markov_weight as bigint)',
            'shapley': 'cast(shapley_weight as bigint)',
            'counterfactual': 'cast(counterfactual_weight as bigint)',
        }) | indent(8) }} as weights
    from touches

)

select * from weights
